"""Requests run on a real engine, from the claim to the recorded build."""

import threading
import time
from pathlib import Path

import pytest
from django.db import connection

from accounts.models import User
from builds.models import Build, Step
from farm import running
from farm.claims import claim
from farm.models import BuildRequest, LiveBuild
from farm.queueing import Wish
from farm.running import run
from farm.services import cancel, trigger
from tests.farm.conftest import MakeSource, git

pytestmark = [pytest.mark.engine, pytest.mark.django_db(transaction=True)]


def run_next() -> Build:
    """Run what waits, as a worker does."""
    request = claim("test:1")
    assert request is not None
    run(request)
    return Build.objects.get(pk=request.pk)


def test_a_build_is_recorded_as_the_one_that_was_asked_for(
    engine: str, make_source: MakeSource, alice: User, repository: Path
):
    [request] = trigger(sources=[make_source()], wish=Wish(), actor=alice)
    build = run_next()
    assert (build.pk, build.status) == (request.pk, Build.Status.SUCCEEDED)
    assert build.revision == git(repository, "rev-parse", "HEAD")
    assert (build.ref_name, build.trigger) == ("main", "manual")
    assert build.buildkit_ref
    assert any("COPY a.txt" in step.name for step in Step.objects.of(build))
    assert Build.objects.count() == 1
    request.refresh_from_db()
    assert request.state == BuildRequest.State.ENDED
    assert not LiveBuild.objects.exists()


def test_a_build_that_fails_says_where(
    engine: str, make_source: MakeSource, alice: User, repository: Path
):
    (repository / "Dockerfile").write_text((repository / "Dockerfile").read_text() + "RUN nope\n")
    git(repository, "commit", "--all", "--quiet", "--message=break it")
    trigger(sources=[make_source()], wish=Wish(), actor=alice)
    build = run_next()
    assert (build.status, build.failure_class) == (Build.Status.FAILED, "command")
    assert build.failure_lines == [[4, 4]]


def test_a_cancelled_build_ends_at_once(
    engine: str, make_source: MakeSource, alice: User, repository: Path
):
    (repository / "Dockerfile").write_text("FROM localhost:5000/library/busybox:1\nRUN sleep 600\n")
    git(repository, "commit", "--all", "--quiet", "--message=hang")
    [request] = trigger(sources=[make_source()], wish=Wish(), actor=alice)
    claimed = claim("test:1")
    assert claimed is not None
    worker = threading.Thread(target=_run_in_thread, args=[claimed])
    worker.start()
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            live = LiveBuild.objects.filter(request=request).first()
            if live and any(
                s["state"] == "running" and "sleep" in s["name"] for s in live.shown["steps"]
            ):
                break
            time.sleep(0.2)
        cancel(build=request.build, actor=alice)
        began = time.monotonic()
        worker.join(timeout=60)
    finally:
        worker.join(timeout=60)
    assert time.monotonic() - began < running.GRACE_SECONDS
    build = Build.objects.get(pk=request.pk)
    assert (build.status, build.failure_message) == ("canceled", "Canceled by alice.")


def running_steps(request: BuildRequest) -> str:
    live = LiveBuild.objects.filter(request=request).first()
    steps = live.shown["steps"] if live else []
    return " ".join(step["name"] for step in steps if step["state"] == "running")


def _run_in_thread(request: BuildRequest) -> None:
    try:
        run(request)
    finally:
        connection.close()
