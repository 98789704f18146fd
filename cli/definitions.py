"""The files that Bake reads definitions from, and definitions that are made and kept for it."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from cli.settings import state_dir

DEFAULT_FILES = (
    "compose.yaml",
    "compose.yml",
    "docker-compose.yml",
    "docker-compose.yaml",
    "docker-bake.json",
    "docker-bake.hcl",
    "docker-bake.override.json",
    "docker-bake.override.hcl",
)
"""What Bake reads when it is given no file; it must be said again as soon as one is given."""


def read_by_bake(files: Sequence[str]) -> tuple[str, ...]:
    """Return the files that Bake reads: those that are given, or its own that are there."""
    return tuple(files) or tuple(name for name in DEFAULT_FILES if Path(name).is_file())


def keep_definition(text: str) -> str:
    """Keep a definition: what collects the run's record later reads it again; returns its path."""
    name = hashlib.sha256(text.encode()).hexdigest()[:16]
    path = state_dir() / "definitions" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)
