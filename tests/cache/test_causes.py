"""A matrix of real builds, one for each cause: what the command and the server make of them."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import Project as TheirProject
from accounts.roles import Scope
from buildkit.explaining import Cause
from builds.models import Build
from ingest.digest import digest_payload
from ingest.models import PayloadKind
from ingest.services import accept_upload
from ingest.uploads import Part, Upload
from tests.cache.causes import (
    AFTER_FIRST,
    ALONE,
    ANY_PLATFORM,
    CASES,
    FIRST,
    Case,
    Project,
    second_engine,
)

pytestmark = [pytest.mark.engine, pytest.mark.django_db]

type Told = dict[str, tuple[str, str, tuple[str, ...]]]
"""By name of a step: its cause, the name of the first step of its chain, and its evidence."""


def by_command(made: Project, after: Path, before: Path) -> Told:
    steps: list[Any] = made.explain(after, before)
    names = {step["vertex_digest"]: step["name"] for step in steps}
    return {
        step["name"]: (step["cause"], names[step["first"]], tuple(step["evidence"]))
        for step in steps
    }


def sent(project: TheirProject, record: Path, *, context: bool = True) -> Build:
    """Send a record as the command does."""
    files = {"record": "api.dockerbuild", "metadata": "metadata.json"}
    files |= {"context": "context.json"} if context else {}
    parts = [Part(name, name, (record / file).read_bytes()) for name, file in files.items()]
    upload = Upload(PayloadKind.BUILDKIT, {"service": "api"}, tuple(parts))
    accepted = accept_upload(project_id=project.pk, actor=None, upload=upload)
    digest_payload(accepted.payload.pk)
    return Build.objects.get(payloads=accepted.payload.pk)


def by_server(client: APIClient, build: Build) -> tuple[Told, dict[str, Any]]:
    answer = client.get(f"/api/v1/builds/{build.public_id}/explanation/")
    assert answer.status_code == 200, answer.content
    told = answer.json()
    names = {step["vertex_digest"]: step["name"] for step in told["steps"]}
    steps = {
        step["name"]: (step["cause"], names[step["first"]], tuple(step["evidence"]))
        for step in told["steps"]
    }
    return steps, told


def mistakes(case: Case, told: Told) -> list[str]:
    """What was said that is not so, or not said that is."""
    if case.prunes and any(FIRST in name for name in told):
        # BuildKit has forgotten more than the entry that was pruned: all that stands on the base.
        case = replace(
            case, expected={FIRST: case.expected["RUN echo last"]}, followers=AFTER_FIRST
        )
    wrong = []
    for name, (cause, first, evidence) in told.items():
        head = next((part for part in case.expected if part in name), None)
        follower = next((part for part in case.followers if part in name), None)
        if head is not None:
            expected, part = case.expected[head]
            fits = cause == expected and first == name and any(part in text for text in evidence)
        elif follower is not None:
            fits = cause == Cause.PARENT and case.followers[follower] in first
        else:
            fits = False
        if not fits:
            wrong.append(f"{case.name}: {name}: {cause}, first {first}, {evidence}")
    silent = [
        part for part in (*case.expected, *case.followers) if not any(part in name for name in told)
    ]
    return wrong + [f"{case.name}: nothing of {part}" for part in silent]


def test_each_cause_is_told_by_command_and_server(
    engine: str,
    project: TheirProject,
    api_of: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    client = api_of(Scope.BUILDS_READ)
    wrong: list[str] = []
    told = 0
    for number, case in enumerate(CASES):
        one = Project(tmp_path / f"case-{number}", tmp_path / f"home-{number}")
        before = one.build()
        case.change(one)
        after = one.build(*case.options)
        earlier, later = sent(project, before), sent(project, after)
        answers = (by_command(one, after, before), by_server(client, later)[0])
        wrong += [mistake for answer in answers for mistake in mistakes(case, answer)]
        told += len(case.expected) + len(case.followers)
        assert by_server(client, later)[1]["against"] == str(earlier.public_id)
    with capsys.disabled():
        line = f"causes: {len(CASES)} pairs of builds, {told} steps that ran, {len(wrong)} wrong"
        sys.stdout.write(f"\n{line}\n")
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def alone(engine: str, tmp_path: Path) -> Project:
    """A project that needs no base and no network."""
    made = Project(tmp_path / "project", tmp_path / "home")
    made.write("Dockerfile", ALONE)
    return made


def test_another_builder_has_another_cache(alone: Project, project: TheirProject, api_of: Any):
    before = alone.build()
    with second_engine() as context:
        after = alone.build(DOCKER_CONTEXT=context)
    sent(project, before)
    server, _ = by_server(api_of(Scope.BUILDS_READ), sent(project, after))
    for told in (by_command(alone, after, before), server):
        [(cause, first, evidence)] = told.values()
        assert (cause, first) == (Cause.GONE, "[1/1] COPY src/ /src/")
        assert evidence == (f"Built on {context}; the build before on default.",)


def test_another_platform_is_seen_for_the_first_time(
    alone: Project, project: TheirProject, api_of: Any
):
    alone.write("Dockerfile", ANY_PLATFORM)
    before = alone.build("--platform=linux/amd64")
    after = alone.build("--platform=linux/arm64")
    by_name = by_command(alone, after, before)
    assert {(cause, evidence) for cause, _, evidence in by_name.values()} == {
        (Cause.FIRST, ("Nothing was built for linux/arm64 before.",))
    }
    assert any("busybox" in name for name in by_name)
    sent(project, before)
    told, answer = by_server(api_of(Scope.BUILDS_READ), sent(project, after))
    assert {cause for cause, _, _ in told.values()} == {Cause.FIRST}
    assert answer["against"] is None, "no build of that platform is comparable"


def test_what_cannot_be_known_is_called_unknown_with_the_reason(
    alone: Project, project: TheirProject, api_of: Any
):
    before = alone.build()
    alone.write("src/a.txt", f"other {alone.unique}\n")
    after = alone.build()
    sent(project, before, context=False)
    client = api_of(Scope.BUILDS_READ)
    told, answer = by_server(client, sent(project, after, context=False))
    [(cause, _, evidence)] = told.values()
    assert cause == Cause.UNKNOWN
    assert evidence == ("What was recorded of its inputs is the same as before.",)
    assert answer["missing"] == [
        "digests of the files of the context (build with `buildinsights build`)"
    ]
    (before / "context.json").unlink()
    [(cause, _, _)] = by_command(alone, after, before).values()
    assert cause == Cause.UNKNOWN
