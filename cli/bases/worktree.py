"""A checkout of its own, beside the one that people work in, which is never touched."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cli.errors import UsageError
from cli.pipeline import GIT

_SECONDS = 300


def git(directory: Path, *arguments: str) -> str:
    """Run Git and return what it says.

    Raises:
        UsageError: with Git's own words.
    """
    try:
        done = subprocess.run(
            [*GIT, *arguments],
            cwd=directory,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        raise UsageError("git is not on PATH.") from error
    except subprocess.TimeoutExpired as error:
        raise UsageError(f"git {arguments[0]} did not end in {_SECONDS} s.") from error
    if done.returncode:
        raise UsageError(f"git {arguments[0]}: {done.stderr.strip() or 'it failed'}")
    return done.stdout


@dataclass(frozen=True, slots=True)
class Worktree:
    """A checkout of the last commit; ``root`` is the repository it is of, ``branch`` its branch."""

    root: Path
    path: Path
    branch: str

    def changed(self, path: Path) -> str:
        """Return what was changed in a file of it, as ``git apply`` takes it."""
        plain = ("--no-ext-diff", "--no-textconv", "--no-color")
        return git(self.path, "diff", "--binary", *plain, "HEAD", "--", str(path))

    def commit(self, message: str) -> str:
        """Commit what was changed, and return the commit; hooks are for people."""
        git(self.path, "commit", "--all", "--no-verify", "--quiet", f"--message={message}")
        return git(self.path, "rev-parse", "HEAD").strip()

    def name(self, branch: str, commit: str) -> None:
        """Let a new branch begin at a commit."""
        git(self.root, "branch", "--no-track", branch, commit)


@contextmanager
def worktree() -> Iterator[Worktree]:
    """Be in a checkout of the last commit while the block runs, in the same folder as here.

    Its directory is called as the repository's, which names services that have no other name.

    Raises:
        UsageError: this is no checkout, or has no commit.
    """
    here = Path.cwd()
    root = Path(git(here, "rev-parse", "--show-toplevel").strip())
    branch = git(here, "rev-parse", "--abbrev-ref", "HEAD").strip()
    with tempfile.TemporaryDirectory(prefix="buildinsights-base-") as folder:
        path = Path(folder).resolve() / root.name
        git(root, "worktree", "add", "--quiet", "--detach", str(path), "HEAD")
        try:
            inner = path / os.path.relpath(here.resolve(), root.resolve())
            if not inner.is_dir():
                raise UsageError(f"{here} is not in the last commit.")
            with chdir(inner):
                yield Worktree(root, path, "" if branch == "HEAD" else branch)
        finally:
            git(root, "worktree", "remove", "--force", str(path))


@contextmanager
def this_checkout() -> Iterator[Worktree]:
    """Be in the checkout that this is; what is changed stays so.

    Raises:
        UsageError: this is no checkout.
    """
    root = Path(git(Path.cwd(), "rev-parse", "--show-toplevel").strip()).resolve()
    yield Worktree(root, root, "")


def check_branch(name: str) -> None:
    """Raise ``UsageError`` unless a branch of that name can be made."""
    here = Path.cwd()
    git(here, "check-ref-format", "--branch", name)
    known = git(here, "for-each-ref", "--format=%(refname)", f"refs/heads/{name}")
    if f"refs/heads/{name}" in known.split():
        raise UsageError(f"There is a branch {name} already.")
