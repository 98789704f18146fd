"""The walls of the house: who may import whom, and how large things may grow."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
APPS = [
    "audit",
    "accounts",
    "channels",
    "builds",
    "security",
    "trust",
    "sboms",
    "inspections",
    "ingest",
    "farm",
    "cache",
    "trends",
    "sizes",
    "resources",
    "bases",
    "policies",
    "deployments",
    "recommendations",
    "alerts",
    "evidence",
    "reports",
]
"""Data flow from left to right in the end; imports go only from right to left."""

PURE = ["buildkit", "supplychain", "cli", "analytics"]
WIRING = {
    "buildinsights.batches",
    "buildinsights.charts",
    "buildinsights.copying",
    "buildinsights.csv",
    "buildinsights.exceptions",
    "buildinsights.forms",
    "buildinsights.paging",
    "buildinsights.parsers",
    "buildinsights.pdf",
    "buildinsights.quantities",
    "buildinsights.sealing",
    "buildinsights.svg",
    "buildinsights.templatetags.formats",
}
"""What the apps may use of the wiring package: helpers that know no app."""

PACKAGES = [*APPS, *PURE, "buildinsights"]
MAX_FILE_LINES, MAX_FUNCTION_LINES, MAX_VIEW_LINES, MAX_TASK_LINES = 400, 50, 25, 20
MAX_TEMPLATE_LINES = 150


def sources(package: str) -> Iterator[Path]:
    """The package's modules but for migrations."""
    for path in sorted((ROOT / package).rglob("*.py")):
        if "migrations" not in path.parts:
            yield path


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("app", APPS)
def test_apps_import_only_what_lies_before_them(app: str):
    later = set(APPS[APPS.index(app) + 1 :])
    for path in sources(app):
        for module in imports(path):
            assert module.split(".")[0] not in later, f"{path} imports {module}"
            if module.startswith("buildinsights"):
                assert module in WIRING, f"{path} imports {module}"


@pytest.mark.parametrize("package", PURE)
def test_pure_packages_know_neither_django_nor_pandas(package: str):
    forbidden = {*APPS, "buildinsights", "django", "rest_framework", "celery"}
    if package != "analytics":
        forbidden |= {"numpy", "pandas", "analytics"}
    for path in sources(package):
        found = {module.split(".")[0] for module in imports(path)} & forbidden
        assert not found, f"{path} imports {found}"


@pytest.mark.parametrize("package", PACKAGES)
def test_files_and_functions_stay_small(package: str):
    for path in sources(package):
        text = path.read_text()
        code = [line for line in text.splitlines() if line.strip() and line.strip()[0] != "#"]
        assert len(code) <= MAX_FILE_LINES, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                assert lines <= limit_of(path, node), f"{path}: {node.name} has {lines} lines"


def limit_of(path: Path, function: ast.FunctionDef) -> int:
    arguments = [argument.arg for argument in function.args.args]
    if path.name == "views.py" and arguments[:1] == ["request"]:
        return MAX_VIEW_LINES
    return MAX_TASK_LINES if path.name == "tasks.py" else MAX_FUNCTION_LINES


def test_templates_stay_small():
    for path in (ROOT / "templates").rglob("*.html"):
        assert len(path.read_text().splitlines()) <= MAX_TEMPLATE_LINES, path


@pytest.mark.parametrize("package", PACKAGES)
def test_no_task_is_enqueued_before_the_commit(package: str):
    for path in sources(package):
        assert ".delay(" not in path.read_text(), f"{path}: use delay_on_commit"


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_is_left_for_later(package: str):
    for path in sources(package):
        for mark in ("TODO", "FIXME", "XXX"):
            assert mark not in path.read_text(), path


def test_templates_have_no_inline_style_or_script():
    for path in (ROOT / "templates").rglob("*.html"):
        text = path.read_text()
        # Mail programs read no style sheets.
        assert " style=" not in text or path.parent.name == "emails", path
        assert "onclick=" not in text, path
        assert "<script>" not in text, path
