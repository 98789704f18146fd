"""Git repositories that are grown commit by commit from a history."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from recorder.plan import Commit, Edit, History, Lock, Replace, Write, offset_seconds

REPOSITORY_HOST = "https://git.example.com/shop"


@dataclass(frozen=True, slots=True)
class Repository:
    """A service's repository; ``revisions`` are the commit ids in the order of the history."""

    history: History
    path: Path
    revisions: tuple[str, ...]

    @property
    def url(self) -> str:
        """Return the address that builds record as their source."""
        return f"{REPOSITORY_HOST}/{self.history.service}.git"

    def checkout(self, revision: str) -> None:
        """Make the working tree that of ``revision``."""
        git(self.path, "checkout", "--quiet", "--detach", revision)


def git(path: Path, *arguments: str, when: datetime | None = None) -> str:
    """Run Git in ``path`` and return its output."""
    date = when.isoformat() if when else None
    dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date} if date else {}
    environment = os.environ | dates
    command = ["git", "-c", "user.name=CI", "-c", "user.email=ci@example.com", *arguments]
    done = subprocess.run(
        command, cwd=path, env=environment, check=True, text=True, stdout=subprocess.PIPE
    )
    return done.stdout.strip()


def grow(history: History, source: Path, path: Path, today: datetime) -> Repository:
    """Create the repository at ``path``: the files in ``source``, then commit after commit.

    The first commit of a history has no edits: it adds the files as they are.
    """
    shutil.copytree(source, path)
    git(path, "init", "--quiet", "--initial-branch=main")
    git(path, "remote", "add", "origin", f"{REPOSITORY_HOST}/{history.service}.git")
    revisions = tuple(_commit(path, commit, today) for commit in history.commits)
    return Repository(history, path, revisions)


def _commit(path: Path, commit: Commit, today: datetime) -> str:
    when = today - timedelta(seconds=offset_seconds(commit.at))
    author = f"{commit.author.name} <{commit.author.email}>"
    _switch(path, commit.branch)
    if commit.merge:
        git(path, "merge", "--quiet", "--no-ff", "-m", commit.message, commit.merge, when=when)
    else:
        for edit in commit.edits:
            _apply(path, edit)
        git(path, "add", "--all")
        git(path, "commit", "--quiet", "--author", author, "-m", commit.message, when=when)
    return git(path, "rev-parse", "HEAD")


def _switch(path: Path, branch: str) -> None:
    if git(path, "branch", "--show-current") == branch:
        return
    if git(path, "branch", "--list", branch):
        git(path, "switch", "--quiet", branch)
    else:
        git(path, "switch", "--quiet", "--create", branch, "main")


def _apply(path: Path, edit: Edit) -> None:
    match edit:
        case Replace():
            file = path / edit.path
            text = file.read_text()
            if text.count(edit.old) != 1:
                raise ValueError(f"{file}: {edit.old!r} occurs {text.count(edit.old)} times, not 1")
            file.write_text(text.replace(edit.old, edit.new))
        case Write():
            (path / edit.path).write_text(edit.text)
        case Lock():
            _lock(path)


def _lock(path: Path) -> None:
    """Resolve the lock file without the addresses that packages came from."""
    command = ["npm", "install", "--package-lock-only", "--omit-lockfile-registry-resolved"]
    command += ["--ignore-scripts", "--no-audit", "--no-fund"]
    quiet = subprocess.DEVNULL
    subprocess.run(command, cwd=path, check=True, stdout=quiet, stderr=quiet)


def midnight(moment: datetime) -> datetime:
    """Return 00:00 UTC of that day."""
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
