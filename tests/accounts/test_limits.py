"""What one project may have of what people and programs make."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.limits import MOST_CHANNELS, MOST_RULES, MOST_SCHEDULES, MOST_SILENCES
from accounts.models import Project, User
from accounts.roles import Scope
from accounts.services import create_project
from alerts.models import AlertRule, Silence
from audit.models import AuditEvent
from channels.models import Channel
from reports.models import ReportSchedule

pytestmark = pytest.mark.django_db


@pytest.fixture
def writer(api_of) -> APIClient:
    return api_of(Scope.BUILDS_READ, Scope.ALERTS_WRITE, Scope.CHANNELS_WRITE, Scope.REPORTS_WRITE)


def rules(project: Project, count: int) -> None:
    AlertRule.objects.bulk_create(
        AlertRule(project=project, name=f"Rule {number}", kind="missing") for number in range(count)
    )


def channels(project: Project, count: int) -> None:
    Channel.objects.bulk_create(
        Channel(project=project, name=f"Room {number}", kind="slack") for number in range(count)
    )


def schedules(project: Project, count: int) -> None:
    ReportSchedule.objects.bulk_create(
        ReportSchedule(
            project=project, name=f"Report {number}", cron="0 7 * * 1", sections=["cache"]
        )
        for number in range(count)
    )


def silences(project: Project, count: int) -> None:
    now = timezone.now()
    Silence.objects.bulk_create(
        Silence(project=project, starts_at=now, ends_at=now + timedelta(days=1), reason="Move")
        for _ in range(count)
    )


CASES = [
    (rules, MOST_RULES, "alert-rules", {"name": "x", "kind": "missing"}, "alert rules"),
    (
        channels,
        MOST_CHANNELS,
        "channels",
        {"kind": "email", "name": "x", "settings": {"recipients": ["a@example.org"]}},
        "channels",
    ),
    (
        schedules,
        MOST_SCHEDULES,
        "report-schedules",
        {"name": "x", "cron": "0 7 * * 1", "addresses": ["a@example.org"]},
        "scheduled reports",
    ),
    (
        silences,
        MOST_SILENCES,
        "silences",
        {"ends_at": (timezone.now() + timedelta(days=20)).isoformat(), "reason": "x"},
        "silences",
    ),
]


@pytest.mark.parametrize(("fill", "most", "path", "body", "noun"), CASES, ids=lambda _: "")
def test_the_last_place_and_no_more(
    project: Project, carol: User, writer: APIClient, fill, most, path, body, noun
):
    fill(create_project(name="Full", owner=carol), most)  # others' are their own
    fill(project, most - 1)
    assert writer.post(f"/api/v1/{path}/", body, format="json").status_code == 201
    events = AuditEvent.objects.count()
    way_out = "end one" if path == "silences" else "delete one"
    answer = writer.post(f"/api/v1/{path}/", body | {"name": "y"}, format="json")
    assert answer.status_code == 409
    (error,) = answer.json()["errors"]
    assert error["code"] == "too_many"
    assert error["detail"] == f"A project has {most} {noun} at most: {way_out} first."
    assert AuditEvent.objects.count() == events


def test_what_is_there_can_be_changed_where_there_is_no_room(project: Project, writer: APIClient):
    schedules(project, MOST_SCHEDULES)
    own = f"/api/v1/report-schedules/{ReportSchedule.objects.earliest('pk').public_id}/"
    assert writer.patch(own, {"sections": ["method", "cache"]}, format="json").status_code == 200


def test_silences_that_are_over_take_no_place(project: Project, writer: APIClient):
    silences(project, MOST_SILENCES)
    past = timezone.now() - timedelta(seconds=1)
    Silence.objects.update(starts_at=past - timedelta(days=1), ends_at=past)
    body = {"ends_at": (timezone.now() + timedelta(hours=2)).isoformat(), "reason": "x"}
    assert writer.post("/api/v1/silences/", body, format="json").status_code == 201


def test_pages_say_it_at_the_form(project: Project, alice: User, client_of):
    page: Client = client_of(alice)
    home = project.get_absolute_url().rstrip("/")
    ends = (timezone.now() + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M")
    for fill, most, path, said, way_out in (
        (
            channels,
            MOST_CHANNELS,
            "settings/channels/new/email/",
            {"name": "x", "recipients": "a@b.org"},
            b"delete one",
        ),
        (silences, MOST_SILENCES, "alerts/silences/", {"ends_at": ends, "reason": "x"}, b"end one"),
    ):
        fill(project, most)
        answer = page.post(f"{home}/{path}", said)
        assert (answer.status_code, b" at most: %b first." % way_out in answer.content) == (
            200,
            True,
        )
