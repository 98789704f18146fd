"""A small made history, and a report about it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Project, User
from builds.models import Service
from builds.services import get_or_create_service
from cache.tasks import roll_up_stale
from reports.models import ReportRecipient, ReportSchedule, ReportSection
from tests.trends.test_trends import built

NOW = datetime(2026, 11, 30, 7, 30, tzinfo=UTC)
"""A Monday; seven days before it are those from 23 to 29 November."""

DAY = timedelta(days=1)

type MakeSchedule = Callable[..., ReportSchedule]


def add(service: Service, days: int, *walls: float, **fields: Any) -> None:
    """Builds of so many days ago, each with its wall time."""
    for wall in walls:
        values = {"target": "", "ref_name": "main"} | fields
        built(service, timezone.now().date() - days * DAY, wall, **values)


def added_up() -> None:
    """Work out the sums of all days with builds."""
    while roll_up_stale():
        pass


@pytest.fixture
def service(project: Project) -> Service:
    """The service that builds."""
    return get_or_create_service(project_id=project.pk, name="api")


@pytest.fixture
def make_schedule(project: Project, alice: User) -> MakeSchedule:
    """Make a schedule with recipients: people, or addresses."""

    def make(*recipients: User | str, **fields: Any) -> ReportSchedule:
        values = {
            "name": "Weekly",
            "cron": "0 7 * * 1",
            "sections": ReportSection.values,
            "next_run_at": NOW - timedelta(minutes=30),
        }
        schedule = ReportSchedule.objects.create(project=project, **values | fields)
        for who in recipients or (alice,):
            named = {"user": who} if isinstance(who, User) else {"address": who}
            ReportRecipient.objects.create(schedule=schedule, **named)
        return schedule

    return make
