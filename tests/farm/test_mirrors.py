"""What happens to a worker's mirrors: killed fetches, full disks, waiting, other people's files."""

import errno
import fcntl
import os
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from farm.checkout import Places, Wanted, checked_out
from farm.credentials import Keys
from farm.git import CheckoutError
from farm.mirrors import BusyError, do_not_wait, lock_of, locked, mirror_of
from tests.farm.conftest import git
from tests.farm.waiting import eventually, is_running


class EnoughError(Exception):
    """A test has waited for long enough."""


@pytest.fixture
def places(tmp_path: Path, repository: Path) -> Places:
    keys = Keys.of_project(tmp_path / "keys", "shop")
    return Places(tmp_path / "mirrors", keys, [repository.parent])


@pytest.fixture
def mirror(repository: Path, places: Places) -> Path:
    """Where the repository's mirror will lie."""
    return mirror_of(str(repository), places.mirrors)


@pytest.fixture
def check_out(repository: Path, places: Places, tmp_path: Path) -> Callable[..., None]:
    """Check the repository out, and be done with it."""

    def check_out(check: Callable[[], None] = lambda: None) -> None:
        into = tmp_path / "out"
        with checked_out(Wanted(str(repository), "main"), into, places, check):
            assert (into / "a.txt").is_file()

    return check_out


@pytest.fixture
def fake_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Put a script in the place of one of Git's commands."""

    def fake(command: str, script: str) -> None:
        path = tmp_path / "bin" / "git"
        path.parent.mkdir()
        real = (
            'for p in $PATH; do [ -x "$p/git" ] && [ "$p" != "$own" ] && exec "$p/git" "$@"; done'
        )
        path.write_text(
            f'#!/bin/sh\nown={path.parent}\ncase " $* " in *" {command} "*) {script};; esac\n'
            f"IFS=:; {real}\n"
        )
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{path.parent}:{os.environ['PATH']}")

    return fake


@pytest.mark.parametrize("left", ["shallow.lock", "HEAD.lock", "packed-refs.lock"])
def test_a_lock_that_a_killed_fetch_left_is_removed(
    check_out: Callable[..., None], mirror: Path, repository: Path, left: str
):
    check_out()
    (mirror / left).touch()
    git(repository, "commit", "--allow-empty", "--quiet", "--message=next")
    check_out()
    assert not (mirror / left).exists()


def test_a_mirror_that_was_never_whole_is_made_anew(
    check_out: Callable[..., None], mirror: Path, tmp_path: Path
):
    git(tmp_path, "init", "--quiet")
    (mirror / "objects").mkdir(parents=True)
    mirror.with_suffix(".new").mkdir()
    check_out()
    assert (mirror / "HEAD").is_file()
    assert not mirror.with_suffix(".new").exists()
    assert not list((tmp_path / ".git" / "objects").glob("??")), "no repository around it is used"


def test_git_is_killed_with_all_its_processes_when_it_is_to_stop(
    check_out: Callable[..., None], fake_git: Callable[[str, str], None], tmp_path: Path
):
    begun = tmp_path / "begun"
    fake_git("fetch", f"sleep 600 & echo $! >{begun}; wait")

    def check() -> None:
        if begun.exists() and begun.read_text():
            raise EnoughError

    with pytest.raises(EnoughError):
        check_out(check)
    assert eventually(lambda: not is_running(int(begun.read_text())))


def test_whoever_gets_the_lock_is_alone_even_if_a_worker_died_and_left_its_git(
    check_out: Callable[..., None], fake_git: Callable[[str, str], None], mirror: Path
):
    fake_git("fetch", "sleep 5 >/dev/null 2>&1 & exit 1")
    with pytest.raises(CheckoutError):
        check_out()
    with pytest.raises(BusyError), locked(lock_of(mirror), do_not_wait):
        pass
    assert eventually(lambda: _is_free(lock_of(mirror)))


def _is_free(lock: Path) -> bool:
    with suppress(BusyError), locked(lock, do_not_wait):
        return True
    return False


def test_another_checkout_is_waited_for_only_as_long_as_it_is_wanted(
    check_out: Callable[..., None], mirror: Path
):
    asked = []

    def check() -> None:
        asked.append(time.monotonic())
        if len(asked) > 2:
            raise EnoughError

    check_out()
    with lock_of(mirror).open() as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(EnoughError):
            check_out(check)
    check_out()


@pytest.mark.parametrize("lost", ["worktrees/out", "HEAD", "."])
def test_a_build_does_not_fail_by_what_cannot_be_removed_after_it(
    repository: Path, places: Places, mirror: Path, tmp_path: Path, lost: str
):
    into = tmp_path / "out"
    with checked_out(Wanted(str(repository), "main"), into, places):
        (mirror / lost).rename(tmp_path / "lost")
    assert not into.exists()
    with checked_out(Wanted(str(repository), "main"), into, places):
        assert (into / "a.txt").is_file()
    assert not list((mirror / "worktrees").glob("*"))


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("fetch", "fatal: write error: No space left on device"),
        ("worktree", "error: unable to write file a.txt"),
    ],
)
def test_a_mirror_for_which_there_is_no_room_is_given_up(
    check_out: Callable[..., None],
    fake_git: Callable[[str, str], None],
    mirror: Path,
    command: str,
    words: str,
):
    fake_git(command, f"echo '{words}' >&2; exit 128")
    with pytest.raises(OSError, match=words.rpartition(": ")[2]) as caught:
        check_out()
    assert caught.value.errno == errno.ENOSPC
    assert not mirror.exists()


def test_a_worker_without_git_says_so(
    check_out: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CheckoutError, match="no Git"):
        check_out()
