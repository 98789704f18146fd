"""Requests run on a real engine, from the claim to the recorded build."""

import re
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client

from accounts.models import User
from builds.models import Build, Step
from farm.claims import claim
from farm.models import BuildRequest, LiveBuild, Source
from farm.queueing import Wish
from farm.running import run
from farm.services import cancel, trigger
from tests.farm.conftest import MakeSource, git
from tests.farm.flaky_registry import flaky_registry
from tests.farm.waiting import eventually

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
        assert eventually(lambda: "sleep" in running_steps(request), 60)
        cancel(build=request.build, actor=alice)
    finally:
        worker.join(timeout=60)
    assert not worker.is_alive(), "ten minutes are not over"
    build = Build.objects.get(pk=request.pk)
    assert (build.status, build.failure_message) == ("canceled", "Canceled by alice.")


def test_a_verbose_build_tells_of_each_step_whether_it_was_cached(
    engine: str, make_source: MakeSource, alice: User, client_of: Callable[[User], Client]
):
    trigger(sources=[make_source()], wish=Wish(), actor=alice)
    first = run_next()
    trigger(sources=[Source.objects.get()], wish=Wish(verbose_cache=True), actor=alice)
    again = run_next()
    assert again.status == Build.Status.SUCCEEDED
    assert re.search(r"cached +\[.*COPY a.txt /a.txt", again.request.said), again.request.said
    assert first.request.said == ""
    page = client_of(alice).get(f"{again.get_absolute_url()}again/").content.decode()
    assert "COPY a.txt /a.txt" in page


def running_steps(request: BuildRequest) -> str:
    live = LiveBuild.objects.filter(request=request).first()
    steps = live.shown["steps"] if live else []
    return " ".join(step["name"] for step in steps if step["state"] == "running")


def _run_in_thread(request: BuildRequest) -> None:
    try:
        run(request)
    finally:
        connection.close()


def test_a_flaky_registry_is_tried_again_until_it_answers(
    engine: str, make_source: MakeSource, alice: User, repository: Path
):
    with flaky_registry() as registry:
        (repository / "Dockerfile").write_text(
            f"FROM {registry.host}/library/busybox:1\nRUN true\n"
        )
        git(repository, "commit", "--all", "--quiet", "--message=through the proxy")
        trigger(sources=[make_source(retries=2)], wish=Wish(), actor=alice)
        ends = []
        for attempt in (1, 2, 3):
            registry.is_down = attempt < 3
            BuildRequest.objects.update(not_before=None)
            build = run_next()
            ends.append((build.request.attempt, build.status, build.failure_class))
    assert ends == [
        (1, "failed", "registry_error"),
        (2, "failed", "registry_error"),
        (3, "succeeded", ""),
    ]
    assert len({build.revision for build in Build.objects.all()}) == 1, "the same commit"


def build_of_bake_file(field: str, make_source: MakeSource, alice: User, repository: Path) -> Build:
    (repository / "docker-bake.hcl").write_text(f'target "api" {{\n  {field}\n}}\n')
    (repository / "link").symlink_to("/etc")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "--message=reach out")
    trigger(sources=[make_source(definition="bake", retries=0)], wish=Wish(), actor=alice)
    return run_next()


@pytest.mark.parametrize(
    "field",
    [
        'context = "/etc"',
        'context = "link"',
        'context = "../../home"',
        'secret = ["id=x,src=/etc/passwd"]',
    ],
)
def test_a_bake_file_reads_nothing_outside_the_checkout(
    field: str, engine: str, make_source: MakeSource, alice: User, repository: Path
):
    build = build_of_bake_file(field, make_source, alice, repository)
    assert build.status == "failed"
    assert "is outside of the checkout" in build.failure_message


def test_a_bake_file_writes_nothing_outside_the_checkout(
    engine: str, make_source: MakeSource, alice: User, repository: Path
):
    field = 'output = ["type=local,dest=../../../written"]'
    build_of_bake_file(field, make_source, alice, repository)
    assert not list(repository.parents[1].rglob("written"))


def test_a_bake_file_sees_nothing_of_the_worker_s_environment(
    engine: str,
    make_source: MakeSource,
    alice: User,
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("WORKER_SECRET", "swordfish")
    (repository / "docker-bake.hcl").write_text(
        'variable "WORKER_SECRET" { default = "nothing" }\n'
        'target "api" { args = { FOUND = WORKER_SECRET } }\n'
    )
    (repository / "Dockerfile").write_text(
        "FROM localhost:5000/library/busybox:1\nARG FOUND\nRUN echo found=$FOUND\n"
    )
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "--message=look around")
    trigger(sources=[make_source(definition="bake")], wish=Wish(no_cache=True), actor=alice)
    build = run_next()
    assert build.status == "succeeded"
    text = "".join(log.text for log in build.logs.all())
    assert "found=nothing" in text


def test_a_revision_that_is_not_there_fails_with_git_s_words(
    engine: str, make_source: MakeSource, alice: User
):
    trigger(sources=[make_source(retries=0)], wish=Wish(ref_name="nope"), actor=alice)
    build = run_next()
    assert (build.status, build.failure_class) == ("failed", "not_found")
    assert build.failure_message.startswith("git: ")
