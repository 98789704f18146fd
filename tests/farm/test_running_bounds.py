"""What a real build may not do: show secrets, last for ever, fill the disk unsaid."""

import errno
from pathlib import Path
from typing import Any

import pytest

from accounts.models import User
from builds.models import Build, Step, StepLog
from farm import following
from farm.claims import claim
from farm.models import BuildRequest, Source
from farm.queueing import Wish, retry
from farm.running import run
from farm.services import trigger
from ingest.models import IngestPayload
from tests.farm.conftest import BASE, MakeSource, git

pytestmark = [pytest.mark.engine, pytest.mark.django_db(transaction=True)]

SECRET = "correct-horse<battery>"


def run_next() -> Build:
    """Run what waits, as a worker does."""
    request = claim("test:1")
    assert request is not None
    run(request)
    return Build.objects.get(pk=request.pk)


def commit(repository: Path, **files: str) -> None:
    for name, text in files.items():
        (repository / name.replace("__", ".")).write_text(text)
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "--message=change")


def test_a_secret_that_a_build_prints_is_nowhere(
    engine: str,
    make_source: MakeSource,
    alice: User,
    repository: Path,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
):
    settings.BUILD_SECRETS = ["DEPLOY_PHRASE"]
    monkeypatch.setenv("DEPLOY_PHRASE", SECRET)
    commit(
        repository,
        Dockerfile=f"FROM {BASE}\nARG PHRASE\nRUN echo it is $PHRASE here; exit 1\n",
        docker_bake__hcl='variable "DEPLOY_PHRASE" {}\n'
        'target "api" {\n  args = { PHRASE = DEPLOY_PHRASE }\n}\n',
    )
    trigger(
        sources=[make_source(definition=Source.Definition.BAKE, file="docker_bake.hcl")],
        wish=Wish(),
        actor=alice,
    )
    build = run_next()
    assert build.failure_class == "command"
    [log] = StepLog.objects.filter(build_id=build.pk)
    assert log.text == f"it is {'*' * len(SECRET)} here\n"
    assert [problem["path"] for problem in build.problems] == ["record"]
    raw = b"".join(bytes(body) for body in IngestPayload.objects.values_list("body", flat=True))
    assert raw
    for stored in (raw.decode(errors="replace"), str(build.__dict__)):
        assert "correct-horse" not in stored


def test_a_build_that_lasts_too_long_is_ended(
    engine: str, make_source: MakeSource, alice: User, repository: Path
):
    commit(repository, Dockerfile=f"FROM {BASE}\nRUN echo begun; sleep 600\n")
    trigger(
        sources=[make_source(time_limit_seconds=15, retries=0)],
        wish=Wish(no_cache=True),
        actor=alice,
    )
    build = run_next()
    assert (build.status, build.failure_class) == (Build.Status.FAILED, "timeout")
    assert build.failure_message == "The time limit of 15 s was reached."
    assert Step.objects.of(build).filter(name__contains="sleep 600").exists(), "it is recorded"


def test_a_stage_and_what_follows_is_built_without_the_cache(
    engine: str, make_source: MakeSource, alice: User, repository: Path
):
    commit(
        repository,
        Dockerfile=f"FROM {BASE} AS base\nRUN echo of {repository}\n"
        "FROM base AS deps\nRUN echo deps\nFROM deps\nRUN echo final\n",
    )
    trigger(sources=[make_source()], wish=Wish(), actor=alice)
    first = run_next()
    retry(build=first, actor=alice, no_cache_from="deps")
    again = run_next()
    states = {
        step.name.rpartition("echo ")[2]: step.state
        for step in Step.objects.of(again).filter(name__contains="RUN")
    }
    assert states == {
        f"of {repository}": "cached",
        "deps": "executed",
        "final": "executed",
    }


@pytest.mark.parametrize(
    ("number", "failure_class"), [(errno.ENOSPC, "disk_full"), (errno.EACCES, "other")]
)
def test_a_worker_without_room_says_so(
    make_source: MakeSource,
    alice: User,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    failure_class: str,
):
    def refuse(request: BuildRequest, folder: Path, home: Path) -> list[str]:
        raise OSError(number, "it cannot be written", str(folder))

    monkeypatch.setattr(following, "command_of", refuse)
    trigger(sources=[make_source(retries=0)], wish=Wish(), actor=alice)
    build = run_next()
    assert (build.status, build.failure_class) == (Build.Status.FAILED, failure_class)
    assert "it cannot be written" in build.failure_message
