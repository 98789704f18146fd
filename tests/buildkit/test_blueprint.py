"""Which blueprint a project gets, and what it lacks for it."""

import json
import re
from pathlib import Path

import pytest

from buildkit.blueprint import Kind, expectations, files_of, kind_of


def project(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return folder


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({"package__json": '{"dependencies": {"express": "5"}}'}, Kind.NODE_API),
        ({"package__json": '{"devDependencies": {"vite": "7"}}'}, Kind.REACT_WEB),
        ({"package__json": "broken"}, Kind.NODE_API),
        ({"requirements__txt": ""}, Kind.PYTHON_AI),
        ({"pyproject__toml": ""}, Kind.PYTHON_AI),
        ({"go__mod": ""}, None),
    ],
)
def test_a_manifest_tells_the_kind(tmp_path: Path, files: dict[str, str], kind: Kind | None):
    assert kind_of(project(tmp_path, **files)) == kind


@pytest.mark.parametrize("kind", list(Kind))
def test_every_argument_of_the_dockerfile_is_a_variable(kind: Kind):
    files = {str(file.path): file.text for file in files_of(kind, "shop")}
    assert {"Dockerfile", ".dockerignore", "docker-bake.hcl"} <= files.keys()
    head = files["Dockerfile"].partition("\nFROM ")[0]
    arguments = re.findall(r"^ARG (\w+)", head, re.MULTILINE)
    bake = files["docker-bake.hcl"]
    assert arguments
    assert "@" not in bake
    for argument in arguments:
        assert f'variable "{argument}"' in bake
        assert f"    {argument} = {argument}" in bake
    assert f'{arguments[0]} = {arguments[0]} == ""' not in bake, "a default of its own is handed on"
    assert 'RUNTIME_IMAGE == "" ? null' in bake or "RUNTIME_IMAGE" not in arguments


@pytest.mark.parametrize("kind", list(Kind))
def test_each_variant_is_hardened_and_tested(kind: Kind):
    [dockerfile] = [file.text for file in files_of(kind, "shop") if file.path.name == "Dockerfile"]
    stages = re.split(r"^FROM ", dockerfile, flags=re.MULTILINE)
    named = {re.split(r"\s", stage.splitlines()[0])[-1]: stage for stage in stages[1:]}
    assert {"deps", "dev", "prod", "test-dev", "test-prod"} <= named.keys()
    for variant in ("dev", "prod"):
        assert "USER 10001:10001" in named[variant]
        assert named[f"test-{variant}"].startswith(f"{variant} AS test-{variant}\n")


def test_what_a_project_lacks_is_named(tmp_path: Path):
    manifest = json.dumps({"devDependencies": {"vite": "7"}, "scripts": {"build": "vite build"}})
    missing = expectations(Kind.REACT_WEB, project(tmp_path, package__json=manifest))
    assert [words.partition(":")[0] for words in missing] == ["package-lock.json"] + [
        "package.json"
    ] * 2
    assert '"dev"' in missing[1]
    assert len(expectations(Kind.PYTHON_AI, tmp_path)) == 4
