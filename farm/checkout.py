"""A revision of a repository in a folder, by Git, from a bare mirror that stays on the worker."""

import errno
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from farm.addresses import is_allowed_path
from farm.credentials import Keys, transport
from farm.git import Check, CheckoutError, Git, git_environment, keep_going
from farm.mirrors import (
    BusyError,
    do_not_wait,
    keep_newest,
    lock_of,
    locked,
    mirror_of,
    open_mirror,
    remove_mirror,
)

log = structlog.get_logger(__name__)

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to check out: a branch or tag, and the commit if it is known."""

    address: str
    ref_name: str
    revision: str = ""
    deploy_key: str = ""


@dataclass(frozen=True, slots=True)
class Places:
    """Where a worker keeps mirrors and a project's keys; which local repositories it may read."""

    mirrors: Path
    keys: Keys
    roots: list[Path]


@contextmanager
def checked_out(
    wanted: Wanted, into: Path, places: Places, check: Check = keep_going
) -> Iterator[str]:
    """Have the revision in ``into`` while the block runs; yields the commit id.

    ``check`` is called while Git or another checkout is waited for.

    Raises:
        CheckoutError: it cannot be had, or is not the one that was asked for.
        OSError: ``ENOSPC``, there is no room for it.
    """
    if wanted.address.startswith("/") and not is_allowed_path(wanted.address, places.roots):
        raise CheckoutError(f"{wanted.address} is not below BUILD_SOURCE_ROOTS of this worker.")
    mirror = mirror_of(wanted.address, places.mirrors)
    environment = git_environment(places.mirrors)
    reaching = environment | transport(wanted.address, wanted.deploy_key, places.keys)
    with locked(lock_of(mirror), check) as lock, _room_made(mirror):
        git = Git(mirror, lock, reaching, check)
        open_mirror(git)
        revision = _fetch(wanted, git)
        keep_newest(git, revision)
        git.run("worktree", "add", "--quiet", "--force", "--detach", str(into), revision)
    try:
        yield revision
    finally:
        _remove(into, mirror, environment)


@contextmanager
def _room_made(mirror: Path) -> Iterator[None]:
    """Give a mirror up that fills the disk: the next checkout begins anew."""
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:
            remove_mirror(mirror)
        raise


def _remove(into: Path, mirror: Path, environment: dict[str, str]) -> None:
    """Remove a checkout; what cannot be is left to the sweep, as it says nothing of the build."""
    shutil.rmtree(into, onexc=_log_left)
    try:
        with suppress(BusyError), locked(lock_of(mirror), do_not_wait) as lock:
            Git(mirror, lock, environment).run("worktree", "prune")
    except (CheckoutError, OSError):
        log.warning("worktree_prune_failed", exc_info=True)


def _log_left(function: Callable[..., object], path: str, error: BaseException) -> None:
    log.warning("checkout_not_removed", path=path, error=str(error))


def _fetch(wanted: Wanted, git: Git) -> str:
    """Fetch as little as the server allows; return the commit."""
    if wanted.revision:
        return _fetch_revision(wanted, git)
    errors = []
    for kind in ("heads", "tags"):
        try:
            _fetch_ref(wanted, git, f"refs/{kind}/{wanted.ref_name}", "--depth=1")
        except CheckoutError as error:
            errors.append(error)
            continue
        return git.run("rev-parse", "FETCH_HEAD^{commit}").strip()
    raise errors[0]


def _fetch_revision(wanted: Wanted, git: Git) -> str:
    """Fetch one commit; a server that does not hand out commits gives the branch's history."""
    try:
        _fetch_ref(wanted, git, wanted.revision, "--depth=1")
    except CheckoutError:
        is_shallow = (git.mirror / "shallow").exists()
        depth = ["--unshallow"] if is_shallow else []
        _fetch_ref(wanted, git, f"refs/heads/{wanted.ref_name}", *depth)
    found = git.run("rev-parse", f"{wanted.revision}^{{commit}}").strip()
    if found != wanted.revision:
        raise CheckoutError(f"asked for {wanted.revision}, got {found}")
    return found


def _fetch_ref(wanted: Wanted, git: Git, name: str, *depth: str) -> None:
    git.run("fetch", "--quiet", "--force", "--no-tags", *depth, "--", wanted.address, name)
