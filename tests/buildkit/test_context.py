"""Digests of a build context: what .dockerignore lets through."""

import hashlib
import os
from pathlib import Path

import pytest

from buildkit.context import context_digests, context_files, is_local


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in (
        "Dockerfile",
        "src/a.ts",
        "src/a.test.ts",
        "node_modules/x/y.js",
        "keep.md",
        "b.md",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / ".dockerignore").write_text(
        "# comment\nnode_modules\n**/*.test.ts\n*.md\n!keep.md\n"
    )
    return tmp_path


def test_ignored_files_are_not_sent(root: Path):
    assert context_files(root, "Dockerfile") == [
        ".dockerignore",
        "Dockerfile",
        "keep.md",
        "src/a.ts",
    ]


def test_a_dockerfiles_own_ignore_file_comes_first(root: Path):
    (root / "Dockerfile.dockerignore").write_text("*\n!src\n")
    assert "src/a.test.ts" in context_files(root, "Dockerfile")
    assert "keep.md" not in context_files(root, "Dockerfile")


def test_files_have_their_digests_and_late_changes_are_told(root: Path):
    since = (root / "src/a.ts").stat().st_mtime + 10
    os.utime(root / "keep.md", (since + 5, since + 5))
    found = context_digests(root, "Dockerfile", since)
    assert found["files_total"] == 4
    assert found["files"]["src/a.ts"] == {
        "sha256": hashlib.sha256(b"src/a.ts").hexdigest(),
        "size_bytes": 8,
        "mode": "0644",
    }
    assert found["changed_since"] == ["keep.md"]


def test_links_are_not_followed(root: Path, tmp_path_factory: pytest.TempPathFactory):
    outside = tmp_path_factory.mktemp("outside") / "secret.txt"
    outside.write_text("swordfish")
    (root / "src/link").symlink_to(outside)
    (root / "gone").symlink_to("nowhere")
    files = context_digests(root, "Dockerfile", 0)["files"]
    target = str(outside).encode()
    assert files["src/link"] == {
        "sha256": hashlib.sha256(target).hexdigest(),
        "size_bytes": len(target),
        "mode": "0777",
    }
    assert files["gone"]["size_bytes"] == len("nowhere")


@pytest.mark.parametrize("context", ["-", "https://x/y.git", "target:base", "docker-image://x"])
def test_other_contexts_are_not_of_this_machine(context: str):
    assert not is_local(context)
    assert is_local("services/api")
