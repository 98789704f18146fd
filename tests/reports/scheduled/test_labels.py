"""Reports about services with some labels."""

from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Scope as Right
from audit.models import AuditEvent
from builds.models import Service
from builds.services import get_or_create_service
from reports.models import ReportRun, ReportSchedule
from reports.scheduled.running import report_of
from reports.scheduled.scope import Scope
from tests.reports.scheduled.conftest import DAY, NOW, MakeSchedule, add, added_up

pytestmark = pytest.mark.django_db

LAST = (NOW - DAY).date()
FIRST = LAST - 6 * DAY


@pytest.fixture
def services(project: Project) -> dict[str, Service]:
    """Three that build, two of them of a team."""
    said = {
        "pay": {"team": "payments", "tier": "edge"},
        "bill": {"team": "payments"},
        "shop": {"tier": "edge"},
    }
    made = {name: get_or_create_service(project_id=project.pk, name=name) for name in said}
    for name, service in made.items():
        service.labels = said[name]
        service.save()
    return made


@pytest.mark.parametrize(
    ("narrowed", "names", "words"),
    [
        ({}, ["bill", "pay", "shop"], "all services"),
        ({"labels": ["team=payments"]}, ["bill", "pay"], "services with team=payments"),
        (
            {"labels": ["team=payments", "tier=edge"]},
            ["pay"],
            "services with team=payments, tier=edge",
        ),
        (
            {"slugs": ["pay", "shop"], "labels": ["team=payments"]},
            ["pay"],
            "pay with team=payments",
        ),
        ({"labels": ["team=web"]}, [], "no service with team=web"),
    ],
)
def test_a_scope_is_of_services_with_all_labels(services, project, narrowed, names, words):
    scope = Scope.of(project, first=FIRST, last=LAST, **narrowed)
    assert [service.name for service in scope.services] == names
    assert scope.words == f"{words}, all environments, all branches"
    assert scope.is_of_all is (not narrowed)


def test_a_report_tells_of_them_as_they_are_labelled_when_it_is_made(
    services: dict[str, Service], make_schedule: MakeSchedule
):
    schedule = make_schedule(labels=["team=payments"])
    run = ReportRun(first=FIRST, last=LAST)
    with time_machine.travel(NOW, tick=False):
        for service in services.values():
            add(service, 2, 20, 20)
        added_up()
        assert told_by(schedule, run) == {"pay", "bill"}
        services["bill"].labels = {}
        services["bill"].save()
        assert told_by(schedule, run) == {"pay"}
        services["pay"].labels = {}
        services["pay"].save()
        assert report_of(schedule, run).is_quiet


def told_by(schedule: ReportSchedule, run: ReportRun) -> set[str]:
    sections = {section.key: section for section in report_of(schedule, run).sections}
    [table] = sections["trends"].tables[:1]
    return {row[0].text for row in table.rows} - {"All of them"}


class TestWriting:
    WEEKLY: dict[str, Any] = {
        "name": "Monday",
        "cron": "0 7 * * 1",
        "sections": ["trends"],
        "labels": ["tier=edge", "team=payments"],
        "members": ["bob"],
    }
    PATH = "/api/v1/report-schedules/"

    def test_by_the_api(self, project: Project, api_of: Callable[..., APIClient]):
        writer = api_of(Right.BUILDS_READ, Right.REPORTS_WRITE)
        made = writer.post(self.PATH, self.WEEKLY, format="json").json()
        assert made["labels"] == ["team=payments", "tier=edge"]
        own = f"{self.PATH}{made['id']}/"
        assert writer.patch(own, {"days": 30}, format="json").json()["labels"] == made["labels"]
        changed = writer.patch(own, {"labels": ["team=web"]}, format="json").json()
        assert changed["labels"] == ["team=web"]
        event = AuditEvent.objects.filter(action="report_schedule.changed").order_by("sequence")
        assert event[1].changes.get("labels") is None
        assert event[2].changes["labels"] == ["team=web"]
        wrong = writer.patch(own, {"labels": ["web"]}, format="json")
        assert (wrong.status_code, wrong.json()["errors"][0]["attr"]) == (400, "labels")

    def test_by_the_page(self, project: Project, alice: User, client_of: Callable[[User], Client]):
        browser, path = client_of(alice), "/projects/shop/reports/new/"
        body = self.WEEKLY | {"time_zone": "UTC", "days": 7, "labels": "team"}
        page = browser.post(path, body).content.decode()
        assert "“team” is no label" in page
        assert browser.post(path, body | {"labels": "tier=edge,team=payments"}).status_code == 302
        schedule = ReportSchedule.objects.get()
        assert schedule.labels == ["team=payments", "tier=edge"]
        page = browser.get(schedule.get_absolute_url()).content.decode()
        assert 'value="team=payments, tier=edge"' in page
        listed = browser.get("/projects/shop/reports/").content.decode()
        assert '<span class="tag">team=payments</span>' in listed
