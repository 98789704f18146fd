"""Quarantine between the server and the builds that it runs."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from accounts.models import Project, User
from audit.models import AuditEvent
from builds.services import get_or_create_service
from cache.models import Quarantine
from cache.quarantines import hand_over, lift, put, take_back
from cli import quarantine as files
from farm.models import BuildRequest, Source
from farm.queueing import Wish
from farm.services import trigger

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC).isoformat()


@pytest.fixture
def request_(project: Project, alice: User) -> BuildRequest:
    service = get_or_create_service(project_id=project.pk, name="api")
    source = Source.objects.create(service=service, repository_url="https://x.example/y")
    [made] = trigger(sources=[source], wish=Wish(), actor=alice)
    return made


def names() -> set[str]:
    return set(Quarantine.objects.values_list("reference", flat=True))


def test_a_build_is_told_what_is_in_quarantine_and_leaves_it_as_it_is(
    project: Project, request_: BuildRequest, alice: User, tmp_path: Path
):
    put(project, "r.example/a:1", "sha256:a", "corrupt", alice)
    hand_over(request=request_, home=tmp_path)
    told = files.read(tmp_path)
    assert told is not None
    assert (told["r.example/a:1"].digest, told["r.example/a:1"].reason) == ("sha256:a", "corrupt")
    take_back(request=request_, home=tmp_path)
    assert names() == {"r.example/a:1"}
    assert AuditEvent.objects.filter(action__startswith="cache.quarantine").count() == 1


def test_what_a_build_finds_is_kept_and_what_it_lets_go_of_is_lifted(
    project: Project, request_: BuildRequest, alice: User, tmp_path: Path
):
    put(project, "r.example/a:1", "sha256:a", "corrupt", alice)
    hand_over(request=request_, home=tmp_path)
    files.write([files.Quarantine("localhost:5000/b", "sha256:b", "missing", NOW)], tmp_path)
    take_back(request=request_, home=tmp_path)
    assert names() == {"localhost:5000/b:latest"}, "as registries name it"
    assert set(AuditEvent.objects.values_list("action", flat=True)) >= {
        "cache.quarantined",
        "cache.quarantine_lifted",
    }


def test_what_others_did_while_it_ran_stays(
    project: Project, request_: BuildRequest, alice: User, tmp_path: Path
):
    put(project, "r.example/lifted:1", "sha256:a", "corrupt", alice)
    put(project, "r.example/again:1", "sha256:a", "corrupt", alice)
    hand_over(request=request_, home=tmp_path)
    lift(project, "r.example/lifted:1", "It is whole.", alice)
    put(project, "r.example/new:1", "sha256:n", "corrupt", alice)
    put(project, "r.example/again:1", "sha256:other", "corrupt once more", alice)
    files.write(
        [item for item in (files.read(tmp_path) or {}).values() if "lifted" in item.reference],
        tmp_path,
    )
    take_back(request=request_, home=tmp_path)
    assert names() == {"r.example/new:1", "r.example/again:1"}


@pytest.mark.parametrize("text", ["", "not json", '[{"reference": "x"}]', '[{"other": 1}]'])
def test_a_file_that_cannot_be_read_changes_nothing(
    text: str, project: Project, request_: BuildRequest, alice: User, tmp_path: Path
):
    put(project, "r.example/a:1", "sha256:a", "corrupt", alice)
    hand_over(request=request_, home=tmp_path)
    (tmp_path / files.FILE).write_text(text)
    take_back(request=request_, home=tmp_path)
    assert names() == {"r.example/a:1"}


def test_without_any_nothing_is_written(request_: BuildRequest, tmp_path: Path):
    hand_over(request=request_, home=tmp_path)
    assert list(tmp_path.iterdir()) == []
    take_back(request=request_, home=tmp_path)
    assert names() == set()


def test_another_projects_quarantine_is_its_own(
    project: Project, request_: BuildRequest, carol: User, tmp_path: Path
):
    other = Project.objects.exclude(pk=project.pk).get()
    put(other, "r.example/a:1", "sha256:a", "corrupt", carol)
    hand_over(request=request_, home=tmp_path)
    assert files.read(tmp_path) is None
    document = [{"reference": "r.example/b:1", "digest": "", "reason": "x", "since": NOW}]
    (tmp_path / files.FILE).write_text(json.dumps(document))
    take_back(request=request_, home=tmp_path)
    assert set(Quarantine.objects.values_list("project", "reference")) == {
        (other.pk, "r.example/a:1"),
        (project.pk, "r.example/b:1"),
    }
