"""The work directory keeps what builds need, and nothing for ever."""

import fcntl
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings as configured

from accounts.models import User
from buildinsights.celery import app
from builds.models import Build
from farm import tasks
from farm.checkout import Places, Wanted, checked_out
from farm.claims import claim
from farm.credentials import Keys
from farm.endings import finish
from farm.mirrors import lock_of, mirror_of
from farm.processes import HOME_VARIABLE
from farm.queueing import Wish
from farm.services import trigger
from farm.sweeping import UNUSED_AFTER, sweep
from tests.farm.conftest import MakeSource, git

pytestmark = pytest.mark.django_db


@pytest.fixture
def work(make_source: MakeSource, tmp_path: Path) -> Path:
    """The worker's directory."""
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


@pytest.fixture
def running(make_source: MakeSource, alice: User) -> Build:
    """A build that a worker has."""
    trigger(sources=[make_source()], wish=Wish(), actor=alice)
    request = claim("test:1")
    assert request is not None
    return request.build


def folder_of(build: UUID, work: Path) -> Path:
    """Make what the checkout of a build leaves."""
    folder = work / f"{build}-abc_1234"
    (folder / "home" / "records").mkdir(parents=True)
    (folder / "said.log").touch()
    return folder


@contextmanager
def held(lock: Path) -> Iterator[None]:
    """Hold a lock, as another process does."""
    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def test_folders_of_builds_that_have_ended_are_removed(work: Path, running: Build):
    kept, unknown = folder_of(running.public_id, work), folder_of(uuid4(), work)
    (work / "something else").mkdir()
    sweep()
    assert kept.exists()
    assert not unknown.exists()
    assert (work / "something else").exists()
    finish(running.request, Build.Status.CANCELED)
    sweep()
    assert not kept.exists()


def test_a_folder_stays_while_somebody_works_in_it(work: Path):
    folder = folder_of(uuid4(), work)
    environment = os.environ | {HOME_VARIABLE: str(folder / "home")}
    with subprocess.Popen(["sleep", "600"], env=environment) as process:
        sweep()
        assert folder.exists()
        process.kill()
    sweep()
    assert not folder.exists()


def test_one_process_of_a_host_sweeps_at_a_time(work: Path):
    folder = folder_of(uuid4(), work)
    with held(work / "sweep.lock"):
        sweep()
        assert folder.exists()
    sweep()
    assert not folder.exists()


@pytest.fixture
def mirror(repository: Path, work: Path) -> Path:
    """Where the repository's mirror is."""
    return mirror_of(str(repository), work / "mirrors")


@pytest.fixture
def check_out(repository: Path, work: Path) -> Callable[..., object]:
    """Check a new commit out as long as a block lasts."""

    def check_out(name: str = "out") -> object:
        (repository / "big.bin").write_bytes(os.urandom(50_000))
        git(repository, "add", ".")
        git(repository, "commit", "--quiet", "--message=more")
        places = Places(work / "mirrors", Keys.of_project(work, "shop"), [repository.parent])
        return checked_out(Wanted(str(repository), "main"), work / name, places)

    return check_out


def bytes_in(folder: Path) -> int:
    """Return the size of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_a_mirror_keeps_the_newest_commit_and_what_is_checked_out(
    check_out: Callable[..., object], mirror: Path, work: Path
):
    with check_out("first"):
        first = git(work / "first", "rev-parse", "HEAD")
        for _ in range(3):
            with check_out("later"):
                pass
        assert bytes_in(mirror / "objects") > 4 * 50_000
        sweep()
        assert 2 * 50_000 < bytes_in(mirror / "objects") < 3 * 50_000
        assert git(work / "first", "status", "--porcelain") == ""
        assert git(work / "first", "rev-parse", "HEAD") == first
    (mirror / "objects" / "pack" / "tmp_pack_killed").write_bytes(bytes(50_000))
    sweep()
    assert bytes_in(mirror / "objects") < 2 * 50_000
    with check_out("after"):
        assert (work / "after" / "big.bin").is_file()


def test_a_worktree_that_was_only_begun_is_forgotten(
    check_out: Callable[..., object], mirror: Path, work: Path
):
    with check_out():
        begun = mirror / "worktrees" / "out"
        (begun / "locked").write_text("initializing")
        (work / "out").rename(work / "gone")
        sweep()
        assert not begun.exists()


def test_a_mirror_that_nobody_has_used_for_long_is_removed(
    check_out: Callable[..., object], mirror: Path
):
    with check_out():
        pass
    sweep()
    assert mirror.exists()
    long_ago = time.time() - UNUSED_AFTER.total_seconds() - 60
    os.utime(lock_of(mirror), (long_ago, long_ago))
    with held(lock_of(mirror)):
        sweep()
        assert mirror.exists(), "whoever has it uses it"
    sweep()
    assert not mirror.exists()
    with check_out():
        pass
    sweep()
    assert mirror.exists(), "it is used again"


def test_a_mirror_that_cannot_be_tidied_does_not_keep_the_others_from_it(
    check_out: Callable[..., object], mirror: Path
):
    broken = mirror.with_name("0.git")
    with check_out():
        pass
    (broken / "objects").mkdir(parents=True)
    (broken / "HEAD").write_text("nonsense")
    lock_of(broken).touch()
    (mirror / "objects" / "pack" / "tmp_pack_killed").touch()
    sweep()
    assert not (mirror / "objects" / "pack" / "tmp_pack_killed").exists()


def test_each_queue_of_builds_is_told_to_sweep(work: Path):
    assert tasks.sweep_work_dirs.name in app.tasks
    schedule: dict[str, Any] = configured.CELERY_BEAT_SCHEDULE
    told = [
        entry["options"]["queue"]
        for entry in schedule.values()
        if entry["task"] == tasks.sweep_work_dirs.name
    ]
    assert told == configured.BUILD_QUEUES
    folder = folder_of(uuid4(), work)
    tasks.sweep_work_dirs()
    assert not folder.exists()
