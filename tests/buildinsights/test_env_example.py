"""``.env.example`` names every variable that the product reads, and no other."""

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / ".env.example"
SOURCES = ("settings.py", "embedded.py", "gunicorn.py")
GIVEN_BY_THE_PLATFORM = {"DJANGO_SETTINGS_MODULE"}


def variables_read(source: str) -> set[str]:
    """Names in ``env.<type>("NAME")``, ``os.environ.get("NAME")``, ``os.environ["NAME"]``."""
    return set(_names(ast.parse(source))) - GIVEN_BY_THE_PLATFORM


def _names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        name: ast.expr | None = None
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            owner = ast.unparse(node.func.value)
            if owner == "env" or (owner == "os.environ" and node.func.attr == "get"):
                name = node.args[0]
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            name = node.slice if ast.unparse(node.value) == "os.environ" else None
        if isinstance(name, ast.Constant) and isinstance(name.value, str):
            yield name.value


def test_the_reader_of_sources_sees_each_form() -> None:
    source = """
A = env.str("ONE")
B = env.int("TWO", default=2)
C = os.environ.get("THREE")
D = os.environ["FOUR"]
os.environ["FIVE"] = "written, not read"
"""
    assert variables_read(source) == {"ONE", "TWO", "THREE", "FOUR"}


def listed() -> dict[str, str]:
    """Return name and example value of each line of the file."""
    lines = re.findall(r"^#? ?([A-Z][A-Z_]+)=(.*)$", EXAMPLE.read_text(), re.MULTILINE)
    return dict(lines)


def compose_defaults() -> dict[str, str]:
    """Return the variables that compose puts in, with their defaults."""
    files = ("docker-compose.yml", "deploy/mirror.compose.yml")
    text = "".join((ROOT / name).read_text() for name in files)
    return dict(re.findall(r"\$\{([A-Z_]+):-([^}]*)\}", text))


def test_every_variable_is_listed_and_no_other() -> None:
    read = set(compose_defaults())
    for name in SOURCES:
        read |= variables_read((ROOT / "buildinsights" / name).read_text())
    assert set(listed()) == read


def test_no_variable_is_listed_twice() -> None:
    names = re.findall(r"^#? ?([A-Z][A-Z_]+)=", EXAMPLE.read_text(), re.MULTILINE)
    assert len(names) == len(set(names))


def test_every_variable_has_a_sentence_above_it() -> None:
    lines = EXAMPLE.read_text().splitlines()
    above = {
        line: before for before, line in pairwise(lines) if re.match(r"^# [A-Z][A-Z_]+=", line)
    }
    assert above
    bare = [line for line, before in above.items() if not re.match(r"^# .*\.$", before)]
    assert not bare


@pytest.mark.parametrize("name", sorted(set(compose_defaults()) - {"ALLOWED_HOSTS"}))
def test_the_defaults_are_those_of_compose(name: str) -> None:
    assert listed()[name] == compose_defaults()[name]
