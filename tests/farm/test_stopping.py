"""Runs that are to stop before, while and after they build; no engine is needed for that."""

import fcntl
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection

from accounts.models import User
from buildkit.failure_classes import FailureClass
from builds.models import Build
from farm import following, heartbeat
from farm import running as running_module
from farm.claims import claim
from farm.endings import finish
from farm.heartbeat import Heartbeat
from farm.mirrors import lock_of, mirror_of
from farm.models import BuildRequest
from farm.queueing import Wish
from farm.running import run
from farm.services import cancel, trigger
from tests.farm.conftest import MakeSource, git
from tests.farm.waiting import eventually, is_running

pytestmark = pytest.mark.django_db(transaction=True)

type Begin = Callable[..., BuildRequest]


@pytest.fixture
def begin(make_source: MakeSource, alice: User) -> Begin:
    """Ask for a build and claim it, as a worker does."""

    def begin(**source: Any) -> BuildRequest:
        trigger(sources=[make_source(retries=0, **source)], wish=Wish(), actor=alice)
        request = claim("test:1")
        assert request is not None
        return request

    return begin


@pytest.fixture
def silent_address() -> Iterator[str]:
    """The address of an ssh server that takes a connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"ssh://git@127.0.0.1:{server.getsockname()[1]}/shop.git"


@contextmanager
def running(request: BuildRequest) -> Iterator[threading.Thread]:
    """Run a request as long as the block lasts, or longer."""

    def work() -> None:
        try:
            run(request)
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield thread
    finally:
        thread.join(timeout=30)


@contextmanager
def mirror_taken(address: str, work: Path) -> Iterator[None]:
    """Hold a mirror's lock, as another checkout does."""
    lock = lock_of(mirror_of(address, work / "mirrors"))
    lock.parent.mkdir(parents=True)
    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def heard_of(request: BuildRequest) -> datetime:
    """Return when the request's worker was last heard of."""
    heard = BuildRequest.objects.values_list("heartbeat_at", flat=True).get(pk=request.pk)
    assert heard is not None
    return heard


def take_away(request: BuildRequest) -> None:
    """End it as one whose worker has not been heard of."""
    finish(request, Build.Status.LOST, FailureClass.BUILDER_LOST, "The worker is gone.")


def test_a_checkout_that_hangs_can_be_canceled(begin: Begin, silent_address: str, alice: User):
    request = begin(repository_url=silent_address)
    with running(request) as worker:
        time.sleep(0.5)
        cancel(build=request.build, actor=alice, reason="Not needed any more.")
        worker.join(timeout=8)
        assert not worker.is_alive()
    build = Build.objects.get(pk=request.pk)
    assert (build.status, build.failure_class, build.failure_message) == (
        "canceled",
        "canceled",
        "Not needed any more.",
    )


def test_the_time_limit_counts_while_another_checkout_is_waited_for(
    begin: Begin, repository: Path, tmp_path: Path
):
    request = begin(time_limit_seconds=1)
    with mirror_taken(str(repository), tmp_path / "work"):
        run(request)
    build = Build.objects.get(pk=request.pk)
    assert (build.status, build.failure_class, build.failure_message) == (
        "failed",
        "timeout",
        "The time limit of 1 s was reached.",
    )


def test_a_worker_is_heard_of_during_a_checkout(
    begin: Begin, silent_address: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.1)
    request = begin(repository_url=silent_address, time_limit_seconds=5)
    first = heard_of(request)
    with running(request):
        assert eventually(lambda: heard_of(request) > first, 4)
        second = heard_of(request)
        assert eventually(lambda: heard_of(request) > second, 4)


def test_of_what_was_taken_away_nothing_is_written(begin: Begin, silent_address: str, alice: User):
    request = begin(repository_url=silent_address)
    with running(request) as worker:
        time.sleep(0.5)
        take_away(request)
        ended = Build.objects.filter(pk=request.pk).values().get()
        worker.join(timeout=8)
        assert not worker.is_alive()
    assert ended["status"] == "lost"
    assert Build.objects.filter(pk=request.pk).values().get() == ended


def test_a_heartbeat_outlives_an_absence_of_the_database(
    begin: Begin, monkeypatch: pytest.MonkeyPatch, alice: User
):
    request = begin()
    calls = []
    real = heartbeat.beat

    def fails_at_first(request: BuildRequest) -> Any:
        calls.append(request)
        if len(calls) < 3:
            raise OperationalError("the connection was closed")
        return real(request)

    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.05)
    monkeypatch.setattr(heartbeat, "beat", fails_at_first)
    with Heartbeat(request) as beating:
        assert eventually(lambda: len(calls) > 3)
        assert beating.stop is None
        cancel(build=request.build, actor=alice)
        assert eventually(lambda: beating.stop)
    assert beating.is_ours
    assert not beating._thread.is_alive()


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a script in the place of the command that builds."""

    def command(script: str) -> None:
        path = tmp_path / "command"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(path))

    return command


def test_a_command_that_does_not_end_when_it_is_asked_to_is_killed(
    begin: Begin, command: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(following, "GRACE_SECONDS", 0.5)
    number = tmp_path / "number"
    command(f"trap '' INT\nsetsid sleep 600 & echo $! >{number}\nwhile :; do sleep 1; done")
    request = begin(time_limit_seconds=4)
    run(request)
    build = Build.objects.get(pk=request.pk)
    assert (build.status, build.failure_class) == ("failed", "timeout")
    assert eventually(lambda: not is_running(int(number.read_text())))
    assert not list((tmp_path / "work").glob(f"{build.public_id}-*"))


def test_a_command_whose_build_was_taken_away_is_killed_and_nothing_recorded(
    begin: Begin, command: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(running_module, "settle", lambda *_: pytest.fail("it is not ours"))
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.1)
    begun = tmp_path / "begun"
    command(f"touch {begun}\nsleep 600")
    request = begin()
    with running(request) as worker:
        assert eventually(begun.exists)
        take_away(request)
        worker.join(timeout=5)
        assert not worker.is_alive()
    assert Build.objects.get(pk=request.pk).status == "lost"


def test_a_worker_is_heard_of_while_it_records(
    begin: Begin, command: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
):
    def record(request: BuildRequest, *_: object) -> None:
        assert eventually(lambda: heard_of(request) > first, 5)
        finish(request, Build.Status.SUCCEEDED)

    monkeypatch.setattr(running_module, "settle", record)
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.1)
    command("exit 0")
    request = begin()
    first = heard_of(request)
    run(request)
    assert Build.objects.get(pk=request.pk).status == "succeeded"


@pytest.mark.parametrize(
    ("link", "leads_to", "words"),
    [
        ("root", "/", "The directory root leads out of the repository."),
        ("up", "..", "The directory up leads out of the repository."),
        ("lost", "nowhere", "The repository has no directory lost."),
        ("a.txt", "", "The repository has no directory a.txt."),
    ],
)
def test_a_build_runs_in_a_directory_of_the_repository(
    begin: Begin, repository: Path, link: str, leads_to: str, words: str
):
    if leads_to:
        (repository / link).symlink_to(leads_to)
    git(repository, "add", ".")
    git(repository, "commit", "--allow-empty", "--quiet", "--message=lead astray")
    request = begin(context=link)
    run(request)
    build = Build.objects.get(pk=request.pk)
    assert (build.status, build.failure_message) == ("failed", words)


def test_keys_are_those_of_the_project(begin: Begin, tmp_path: Path):
    (tmp_path / "keys" / "other").mkdir(parents=True)
    (tmp_path / "keys" / "other" / "forge").write_text("https://bot:t0ken@localhost:1")
    request = begin(repository_url="https://localhost:1/shop.git", deploy_key="forge")
    run(request)
    said = Build.objects.get(pk=request.pk).failure_message
    assert said == "forge cannot be read on this worker, in BUILD_KEYS_DIR/shop/."


def test_a_worker_without_room_for_a_checkout_says_so(
    begin: Begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    fake = tmp_path / "bin" / "git"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\necho 'error: unable to write file a.txt' >&2\nexit 128\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(fake.parent), prepend=":")
    request = begin()
    run(request)
    build = Build.objects.get(pk=request.pk)
    assert (build.status, build.failure_class) == ("failed", "disk_full")
    assert "unable to write file a.txt" in build.failure_message
