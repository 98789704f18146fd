"""The bare mirrors of repositories that a worker keeps, each behind a lock of its own."""

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NoReturn

from farm.git import LOOK_SECONDS, Check, Git

_LEFT_BY_KILLED = ("*.lock", "refs/**/*.lock", "worktrees/*/locked")
_KEPT_REF = "refs/newest"


class BusyError(Exception):
    """Another process has the lock."""


def mirror_of(address: str, mirrors: Path) -> Path:
    """Return where the mirror of an address lies, or will."""
    return mirrors / f"{hashlib.sha256(address.encode()).hexdigest()[:32]}.git"


def lock_of(mirror: Path) -> Path:
    """Return a mirror's lock, which is never removed; its time is that of the last checkout."""
    return mirror.with_suffix(".lock")


def mirror_at(lock: Path) -> Path:
    """Return the mirror that a lock belongs to."""
    return lock.with_suffix(".git")


def do_not_wait() -> NoReturn:
    """Have a lock at once or not at all.

    Raises:
        BusyError: always.
    """
    raise BusyError


@contextmanager
def locked(path: Path, check: Check) -> Iterator[int]:
    """Let one process at a time in; yields the lock's descriptor.

    Raises:
        BusyError: it is not free, and ``check`` is ``do_not_wait``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        while not _take(file):
            check()
            time.sleep(LOOK_SECONDS)
        yield file.fileno()


def _take(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def open_mirror(git: Git) -> None:
    """Make the mirror unless it is there, and mend what a Git that was killed has left."""
    os.utime(git.lock)
    if _is_whole(git.mirror):
        _mend(git.mirror)
        return
    remove_mirror(git.mirror)
    # It appears whole or not at all: half of a mirror would fail every build from then on.
    begun = _begun(git.mirror)
    Git(begun, git.lock, git.environment, git.check).run("init", "--quiet", "--bare")
    begun.rename(git.mirror)


def remove_mirror(mirror: Path) -> None:
    """Remove a mirror, and one that was only begun."""
    for path in (mirror, _begun(mirror)):
        shutil.rmtree(path, ignore_errors=True)


def _begun(mirror: Path) -> Path:
    return mirror.with_suffix(".new")


def _is_whole(mirror: Path) -> bool:
    return (mirror / "HEAD").is_file()


def _mend(mirror: Path) -> None:
    """Remove locks inside of a mirror: we have its own, so that nobody holds them."""
    for pattern in _LEFT_BY_KILLED:
        for left in mirror.glob(pattern):
            left.unlink(missing_ok=True)


def keep_newest(git: Git, revision: str) -> None:
    """Have the next fetch begin from a commit: without a reference, Git fetches all anew."""
    git.run("update-ref", _KEPT_REF, revision)


def tidy(git: Git) -> None:
    """Forget worktrees that are gone, and drop what neither the newest nor a worktree needs."""
    if not _is_whole(git.mirror):
        return
    _mend(git.mirror)
    git.run("worktree", "prune")
    packs = git.mirror / "objects" / "pack"
    if len(list(packs.glob("*.pack"))) > 1 or any(packs.glob("tmp_*")):
        git.run("gc", "--quiet", "--force", "--prune=now")
