"""Checkouts of others: what is asked of Git there executes nothing of theirs."""

import subprocess
from pathlib import Path

import pytest

from cli.bases.worktree import git as run_git
from cli.errors import UsageError
from cli.pipeline import git_fields

SIGNED = """\
tree {tree}
author Mallory <m@example.com> 1 +0000
committer Mallory <m@example.com> 1 +0000
gpgsig -----BEGIN PGP SIGNATURE-----
 x
 -----END PGP SIGNATURE-----

first
"""


@pytest.fixture
def inside(tmp_path: Path) -> Path:
    """A folder of a checkout, in one that looks like a repository with a program in its settings.

    What the program does is leave the file ``executed`` beside itself.
    """
    checkout = tmp_path / "checkout"
    fake = checkout / "sub"
    (fake / "folder").mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet", checkout], check=True)
    for name in ("objects", "refs/heads"):
        (fake / name).mkdir(parents=True)
    (fake / "HEAD").write_text("ref: refs/heads/main\n")
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/executed\n")
    program.chmod(0o700)
    config = (
        f"[core]\nbare = false\nworktree = ..\n[log]\nshowSignature\n[gpg]\nprogram={program}\n"
    )
    tree = _kept(fake, "tree", "")
    (fake / "refs/heads/main").write_text(_kept(fake, "commit", SIGNED.format(tree=tree)))
    (fake / "config").write_text(config)
    return fake / "folder"


def _kept(repository: Path, kind: str, text: str) -> str:
    command = ["git", f"--git-dir={repository}", "hash-object", "-w", "-t", kind, "--stdin"]
    done = subprocess.run(command, input=text, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_a_folder_that_looks_like_a_repository_tells_nothing_and_executes_nothing(
    inside: Path, tmp_path: Path
):
    assert set(git_fields(inside).values()) == {""}
    with pytest.raises(UsageError, match="bareRepository"):
        run_git(inside, "log", "-1", "--format=%an", "HEAD")
    assert not (tmp_path / "executed").exists()


def test_it_would_have_been_executed(inside: Path, tmp_path: Path):
    """Or the test above shows nothing."""
    subprocess.run(["git", "log", "-1", "--format=%an"], cwd=inside, check=True)
    assert (tmp_path / "executed").exists()
