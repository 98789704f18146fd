"""Blueprints: a Dockerfile for each kind of service, with the files that it needs beside it."""

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath

_ARGUMENT = re.compile(r"^ARG ([A-Z_]+)=(\S+)$", re.MULTILINE)
_PLACES = {
    "Dockerfile.dockerignore": ".dockerignore",
    "prepare.py": "model/prepare.py",
}
"""Where files of a blueprint go in a project, if not under their own name."""


class Kind(StrEnum):
    """Kinds of services that there is a blueprint for."""

    NODE_API = "node-api"
    REACT_WEB = "react-web"
    PYTHON_AI = "python-ai"


@dataclass(frozen=True, slots=True)
class File:
    """A file to be written, relative to the project."""

    path: PurePosixPath
    text: str


def kind_of(project: Path) -> Kind | None:
    """Tell from its manifest which kind a project is; ``None`` if there is none to tell it."""
    manifest = project / "package.json"
    if manifest.is_file():
        packages = _packages(manifest)
        return Kind.REACT_WEB if "vite" in packages else Kind.NODE_API
    python = ("requirements.txt", "pyproject.toml")
    return Kind.PYTHON_AI if any((project / name).is_file() for name in python) else None


def files_of(kind: Kind, name: str) -> tuple[File, ...]:
    """Return what a project of this kind gets; ``name`` is that of its Bake target."""
    folder = files("buildkit") / "blueprints"
    own = [_file(item) for item in sorted((folder / kind).iterdir(), key=lambda item: item.name)]
    dockerfile = (folder / kind / "Dockerfile").read_text()
    bake = _bake((folder / "docker-bake.hcl").read_text(), dockerfile, name)
    return (*own, File(PurePosixPath("docker-bake.hcl"), bake))


def expectations(kind: Kind, project: Path) -> list[str]:
    """Return what the blueprint expects and the project does not have, in words."""
    if kind is Kind.PYTHON_AI:
        needed = {
            "requirements.txt": "with hashes, as `uv pip compile --generate-hashes` writes it",
            "requirements-dev.txt": "with hashes; debugpy is what the dev variant starts",
            "app/main.py": "with the ASGI application `app`",
            "model/__init__.py": "may be empty",
        }
        return [f"{path}: {why}" for path, why in needed.items() if not (project / path).is_file()]
    missing = (
        [] if (project / "package-lock.json").is_file() else ["package-lock.json: npm install"]
    )
    scripts = _document(project / "package.json").get("scripts") or {}
    wanted = ["dev", "test", *(["build"] if kind is Kind.REACT_WEB else [])]
    missing += [f'package.json: a script "{name}"' for name in wanted if name not in scripts]
    return missing


def _file(item: Traversable) -> File:
    return File(PurePosixPath(_PLACES.get(item.name, item.name)), item.read_text())


def _bake(template: str, dockerfile: str, name: str) -> str:
    """Fill the template; arguments before the first stage become variables."""
    variables, args = [], []
    for argument, default in _ARGUMENT.findall(dockerfile.partition("\nFROM ")[0]):
        follows = "$" in default
        variables.append(f'variable "{argument}" {{ default = "{"" if follows else default}" }}')
        # One that follows another is only handed on if it is set.
        value = f'{argument} == "" ? null : {argument}' if follows else argument
        args.append(f"    {argument} = {value}")
    return (
        template.replace("@VARIABLES@", "\n".join(variables) + "\n")
        .replace("@ARGS@", "\n".join(args))
        .replace("@NAME@", name)
    )


def _packages(manifest: Path) -> set[str]:
    document = _document(manifest)
    return {*(document.get("dependencies") or {}), *(document.get("devDependencies") or {})}


def _document(path: Path) -> dict[str, dict[str, str]]:
    try:
        document = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}
