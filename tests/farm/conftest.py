"""A repository of a service, and its source."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from accounts.models import Project
from builds.services import get_or_create_service
from farm.models import Source
from farm.queueing import default_builder

BASE = "localhost:5000/library/busybox:1"

type MakeSource = Callable[..., Source]


def git(repository: Path, *words: str) -> str:
    """Run Git in a repository and return what it says."""
    identity = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com"]
    command = ["git", "-C", str(repository), *identity, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit on main: a Dockerfile of two steps."""
    folder = tmp_path / "repositories" / "shop"
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / "Dockerfile").write_text(f"FROM {BASE}\nRUN echo one\nCOPY a.txt /a.txt\n")
    (folder / "a.txt").write_text(f"{tmp_path}\n")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message=first")
    return folder


@pytest.fixture
def make_source(project: Project, repository: Path, tmp_path: Path, settings: Any) -> MakeSource:
    """Make a service with a source; the worker's directories are the test's own."""
    settings.BUILD_WORK_DIR = str(tmp_path / "work")
    settings.BUILD_KEYS_DIR = str(tmp_path / "keys")
    settings.BUILD_SOURCE_ROOTS = [str(repository.parent)]

    def make(name: str = "api", **fields: Any) -> Source:
        service = get_or_create_service(project_id=project.pk, name=name)
        values = {
            "repository_url": str(repository),
            "definition": Source.Definition.DOCKERFILE,
            "builder": default_builder(),
        }
        return Source.objects.create(service=service, **(values | fields))

    return make
