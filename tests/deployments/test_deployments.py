"""Deployments go in by HTTP, find their builds, and tell what runs where."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import ProgrammingError, transaction
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Scope
from audit.appending import append_pending
from audit.models import AuditEvent
from builds.models import Image, Service
from builds.signals import build_recorded
from deployments.models import Deployment
from deployments.tasks import match_deployments
from tests.deployments.making import URL, deployed, told
from tests.policies.writing import saved
from tests.security.making import built, digest, report, scanned, vulnerability

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def test_it_is_kept_with_its_build(ci: APIClient, project: Project):
    build = built(project, 1)
    job = "https://ci.example.com/jobs/7"
    answer = ci.post(URL, deployed(1, url=job, deployed_by="Dora"), format="json")
    assert answer.status_code == 201
    kept = Deployment.objects.get()
    assert answer.json() == {
        "id": str(kept.public_id),
        "project": "shop",
        "digest": digest(1),
        "environment": "production",
        "status": "succeeded",
        "deployed_at": "2026-11-02T12:00:00Z",
        "deployed_by": "Dora",
        "url": job,
        "service": "api",
        "target": "runtime",
        "build": str(build.public_id),
        "is_waiting": False,
        "verdict": None,
        "reported_by": "token ci",
        "received_at": answer.json()["received_at"],
    }
    assert ci.get(f"{URL}{kept.public_id}/").json() == answer.json()
    append_pending()
    [event] = AuditEvent.objects.filter(action="deployment.recorded")
    assert (event.actor_name, event.target_id) == ("token ci", str(kept.public_id))
    assert event.changes == {
        "digest": digest(1),
        "environment": "production",
        "status": "succeeded",
        "deployed_by": "Dora",
    }


def test_the_same_again_is_the_first_one(ci: APIClient, project: Project):
    first = told(ci, 1)
    again = ci.post(URL, deployed(1, status="failed"), format="json")
    assert (again.status_code, again.json()["id"]) == (200, str(first.public_id))
    assert again.json()["status"] == "succeeded"
    told(ci, 1, deployed_at="2026-11-02T12:00:01Z")
    told(ci, 1, environment="staging")
    assert Deployment.objects.count() == 3
    append_pending()
    assert AuditEvent.objects.filter(action="deployment.recorded").count() == 3


def test_a_clock_that_is_ahead_tells_repeats_and_no_more(ci: APIClient, project: Project):
    ahead = "2999-01-01T00:00:00Z"
    made = told(ci, 1, deployed_at=ahead)
    assert made.deployed_at == made.received_at
    assert ci.post(URL, deployed(1, deployed_at=ahead), format="json").status_code == 200


def test_without_a_time_it_took_place_just_now(ci: APIClient, project: Project):
    document = deployed(1)
    del document["deployed_at"]
    with time_machine.travel(NOON, tick=False):
        ci.post(URL, document, format="json")
    assert Deployment.objects.get().deployed_at == NOON


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"digest": "sha256:1"}, "digest"),
        ({"digest": "registry.example/shop/api:1"}, "digest"),
        ({"digest": None}, "digest"),
        ({"environment": ""}, "environment"),
        ({"environment": " "}, "environment"),
        ({"environment": "x" * 61}, "environment"),
        ({"environment": "a\0b"}, "environment"),
        ({"deployed_at": "yesterday"}, "deployed_at"),
        ({"status": "maybe"}, "status"),
        ({"url": "javascript:alert(1)"}, "url"),
        ({"url": "https://ci.example.com/" + "x" * 500}, "url"),
        ({"service": "x" * 101}, "service"),
        ({"deployed_by": "a\0b"}, "deployed_by"),
    ],
)
def test_what_is_wrong_is_named(
    ci: APIClient, project: Project, change: dict[str, Any], place: str
):
    answer = ci.post(URL, deployed(1) | change, format="json")
    assert answer.status_code == 400
    assert {item["attr"] for item in answer.json()["errors"]} == {place}
    assert not Deployment.objects.exists()


def test_a_secret_in_an_address_is_not_kept(ci: APIClient, project: Project):
    made = told(ci, 1, url="https://dora:hunter22@ci.example.com/7")
    assert made.url == "https://dora:••••••@ci.example.com/7"


def test_who_may_tell_and_read(ci: APIClient, api: APIClient, project: Project, carol: User):
    made = told(ci, 1)
    assert api.post(URL, deployed(2), format="json").status_code == 403
    assert [row["id"] for row in api.get(URL).json()["results"]] == [str(made.public_id)]
    stranger = APIClient()
    stranger.force_authenticate(carol)
    assert stranger.get(URL).json()["results"] == []
    assert stranger.get(f"{URL}{made.public_id}/").status_code == 404
    answer = stranger.post(f"{URL}?project=shop", deployed(1), format="json")
    assert answer.status_code == 400


def test_a_token_that_may_only_send_may_tell(api_of: Any, project: Project):
    sender = api_of(Scope.INGEST_WRITE)
    assert sender.post(URL, deployed(1), format="json").status_code == 201
    assert sender.get(URL).status_code == 403


def test_an_image_of_another_project_is_not_known(ci: APIClient, project: Project, carol: User):
    built(Project.objects.get(name="Elsewhere"), 1)
    made = told(ci, 1)
    assert (made.image, made.build, made.service) == (None, None, None)


class TestWaiting:
    def test_it_is_placed_by_the_sweep(self, ci: APIClient, project: Project):
        waits = told(ci, 7, service="shop", target="worker")
        match_deployments()
        waits.refresh_from_db()
        assert (waits.build, waits.service.slug, waits.target) == (None, "shop", "worker")
        build = built(project, 7)
        match_deployments()
        waits.refresh_from_db()
        assert (waits.build, waits.image.digest) == (build, digest(7))
        assert (waits.service.slug, waits.target) == ("api", "runtime")

    def test_it_is_placed_as_soon_as_its_build_is_recorded(
        self, ci: APIClient, project: Project, django_capture_on_commit_callbacks: Any
    ):
        waits, other = told(ci, 7), told(ci, 8)
        build = built(project, 7)
        with django_capture_on_commit_callbacks(execute=True):
            build_recorded.send(sender=type(build), build=build, listed_before=None)
        for row in (waits, other):
            row.refresh_from_db()
        assert (waits.build, other.build) == (build, None)

    def test_an_image_is_known_by_its_configuration_too(self, ci: APIClient, project: Project):
        build = built(project, 1)
        Image.objects.update(config_digest=digest(500))
        assert told(ci, 500).build == build

    def test_no_service_is_made_if_the_build_tells_it(self, ci: APIClient, project: Project):
        built(project, 1)
        assert told(ci, 1, service="other").service.slug == "api"
        assert list(Service.objects.values_list("slug", flat=True)) == ["api"]


class TestVerdictThen:
    def ask(self, ci: APIClient, at: datetime, environment: str = "production") -> str:
        with time_machine.travel(at, tick=False):
            path = f"/api/v1/images/{digest(1)}/verdict/?environment={environment}"
            return str(ci.get(path).json()["id"])

    def test_the_newest_by_then_for_that_environment(self, ci: APIClient, project: Project):
        built(project, 1)
        first = self.ask(ci, NOON)
        self.ask(ci, NOON + timedelta(minutes=30), "staging")
        scanned(ci, report(1, vulnerability("CVE-1")))
        second = self.ask(ci, NOON + timedelta(hours=1))
        seen = {
            minutes: told(ci, 1, deployed_at=(NOON + timedelta(minutes=minutes)).isoformat())
            for minutes in (-1, 0, 45, 60, 90)
        }
        outcomes = {
            minutes: made.verdict and (str(made.verdict.public_id), made.verdict.outcome)
            for minutes, made in seen.items()
        }
        assert outcomes == {
            -1: None,
            0: (first, "unknown"),
            45: (first, "unknown"),
            60: (second, "fail"),
            90: (second, "fail"),
        }
        answer = ci.get(f"{URL}{seen[90].public_id}/").json()
        assert answer["verdict"] == {
            "id": second,
            "verdict": "fail",
            "policy": "built-in",
            "at": "2026-11-02T13:00:00Z",
        }

    def test_the_last_answer_counts_though_another_policy_was_asked_between(
        self, ci: APIClient, project: Project, alice: User
    ):
        built(project, 1)
        self.ask(ci, NOON)
        other = saved(project, alice, "Other", "vulnerabilities: [{severity: CRITICAL, most: 0}]")
        path = f"/api/v1/images/{digest(1)}/verdict/?environment=production&policy={other.slug}"
        with time_machine.travel(NOON + timedelta(minutes=5), tick=False):
            assert ci.get(path).json()["policy"] == "other@1"
        last = self.ask(ci, NOON + timedelta(minutes=10))
        made = told(ci, 1, deployed_at=(NOON + timedelta(minutes=11)).isoformat())
        assert made.verdict is not None
        assert str(made.verdict.public_id) == last
        assert self.ask(ci, NOON + timedelta(minutes=12)) == last, "the same as the last: once"

    def test_it_is_found_once_the_build_tells_the_image(self, ci: APIClient, project: Project):
        waits = told(ci, 500, deployed_at="2026-11-02T13:00:00Z")
        built(project, 1)
        Image.objects.update(config_digest=digest(500))
        said = self.ask(ci, NOON)
        match_deployments()
        waits.refresh_from_db()
        assert str(waits.verdict.public_id) == said


class TestCurrent:
    def at(self, hour: int, **more: Any) -> dict[str, Any]:
        return {"deployed_at": (NOON + timedelta(hours=hour)).isoformat()} | more

    def test_the_newest_that_succeeded_of_each_group(self, ci: APIClient, project: Project):
        for number in (1, 2, 3):
            built(project, number)
        built(project, 4, target="worker")
        told(ci, 1, **self.at(0))
        back = told(ci, 1, **self.at(5))
        told(ci, 2, **self.at(4))
        told(ci, 3, **self.at(6, status="failed"))
        staging = told(ci, 2, **self.at(1, environment="staging"))
        worker = told(ci, 4, **self.at(0))
        elsewhere = told(ci, 50, **self.at(0, service="proxy"))
        told(ci, 60, **self.at(0))
        assert set(Deployment.objects.current()) == {back, staging, worker, elsewhere}
        runs = ci.get(f"{URL}?current=true&digest={digest(2)}").json()["results"]
        assert [row["id"] for row in runs] == [str(staging.public_id)]
        others = ci.get(f"{URL}?current=false").json()["results"]
        assert len(others) == 3, "of the image that nobody knows it cannot be told"

    def test_lists_are_narrowed(self, ci: APIClient, project: Project):
        built(project, 1)
        first = told(ci, 1, **self.at(0))
        second = told(ci, 2, **self.at(1, environment="staging", status="failed"))
        for query, found in (
            ("service=api", [first]),
            ("environment=staging", [second]),
            (f"digest={digest(2)}", [second]),
            ("status=failed", [second]),
            ("after=2026-11-02T12:30:00Z", [second]),
            ("before=2026-11-02T12:30:00Z", [first]),
            ("", [second, first]),
        ):
            rows = ci.get(f"{URL}?{query}").json()["results"]
            assert [row["id"] for row in rows] == [str(row.public_id) for row in found], query

    def test_pages_are_cursors(self, ci: APIClient, project: Project):
        made = [told(ci, 1, **self.at(hour)) for hour in range(3)]
        page = ci.get(f"{URL}?page_size=2").json()
        rest = ci.get(page["next"]).json()["results"]
        assert [row["id"] for row in rest] == [str(made[0].public_id)]


def test_what_was_told_is_never_changed(ci: APIClient, project: Project):
    made = told(ci, 1)
    for change in ({"status": "failed"}, {"deployed_at": timezone.now()}, {"environment": "x"}):
        with pytest.raises(ProgrammingError), transaction.atomic():
            Deployment.objects.filter(pk=made.pk).update(**change)


def test_they_go_with_their_project(ci: APIClient, project: Project):
    built(project, 1)
    told(ci, 1), told(ci, 2)
    project.delete()
    assert not Deployment.objects.exists()
