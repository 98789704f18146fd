"""Schedules: when they come due, what they queue, who may change them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db.models.functions import Now
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Project, User
from audit.models import AuditEvent
from builds.models import Build
from farm.cron import next_time, validate_cron, validate_time_zone
from farm.models import BuildRequest, Schedule, Source
from farm.schedules import run_due
from tests.farm.conftest import MakeSource

BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("expression", "time_zone", "after", "expected"),
    [
        # Berlin is one hour ahead of UTC in winter, two in summer.
        ("30 4 * * *", BERLIN, "2026-01-10T12:00", "2026-01-11T03:30"),
        ("30 4 * * *", BERLIN, "2026-07-10T12:00", "2026-07-11T02:30"),
        # On 29 March the clock goes from 02:00 to 03:00: what lies between runs at 03:00.
        ("30 2 * * *", BERLIN, "2026-03-28T12:00", "2026-03-29T01:00"),
        # On 25 October 02:30 comes twice: the first one counts, then the next day's.
        ("30 2 * * *", BERLIN, "2026-10-24T12:00", "2026-10-25T00:30"),
        ("30 2 * * *", BERLIN, "2026-10-25T00:30", "2026-10-26T01:30"),
        # Between the two, by the wall clock what is over is to come.
        ("30 2 * * *", BERLIN, "2026-10-25T01:10", "2026-10-26T01:30"),
        ("15,45 1-3 * * *", BERLIN, "2026-10-25T01:10", "2026-10-25T02:15"),
        ("0 9 * * 1-5", "UTC", "2026-11-27T10:00", "2026-11-30T09:00"),
        ("*/15 * * * *", "Asia/Kathmandu", "2026-11-24T10:01", "2026-11-24T10:15"),
    ],
)
def test_the_next_time_is_that_of_the_wall_clock_there(
    expression: str, time_zone: str, after: str, expected: str
):
    found = next_time(expression, time_zone, datetime.fromisoformat(after).replace(tzinfo=UTC))
    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@given(
    st.integers(0, 59),
    st.integers(0, 23),
    st.integers(0, 10 * 365 * 24 * 60),
)
def test_a_daily_time_comes_within_a_day_and_an_hour(minute: int, hour: int, minutes: int):
    after = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    found = next_time(f"{minute} {hour} * * *", "America/New_York", after)
    assert found is not None
    assert timedelta(0) < found - after <= timedelta(hours=25)


@pytest.mark.parametrize(
    "expression", ["", "* * * *", "* * * * * *", "61 * * * *", "0 0 30 2 *", "@daily", "a b c d e"]
)
def test_what_never_comes_or_is_no_time_is_refused(expression: str):
    with pytest.raises(ValidationError):
        validate_cron(expression)


def test_a_time_zone_must_be_known():
    with pytest.raises(ValidationError):
        validate_time_zone("Europe/Atlantis")
    with pytest.raises(ValidationError):
        validate_time_zone("../../etc/passwd")


@pytest.fixture
def schedule(project: Project, make_source: MakeSource) -> Schedule:
    """Two services at half past four."""
    schedule = Schedule.objects.create(
        project=project, name="nightly", cron="30 4 * * *", no_cache=True, ref_name="release"
    )
    schedule.sources.set([make_source("api"), make_source("web")])
    return schedule


def test_a_due_schedule_queues_its_services_once_and_moves_on(schedule: Schedule):
    with time_machine.travel(datetime(2026, 11, 24, 12, 0, tzinfo=UTC)):
        Schedule.objects.update(next_at=Now() - timedelta(days=3))
        run_due()
        run_due()
    requests = BuildRequest.objects.select_related("build__service").order_by("pk")
    assert [request.build.service.name for request in requests] == ["api", "web"]
    first = requests[0]
    assert (first.build.trigger, first.requested_by) == ("schedule", "schedule nightly")
    assert (first.build.ref_name, first.no_cache, first.author) == ("release", True, None)
    schedule.refresh_from_db()
    assert schedule.next_at == datetime(2026, 11, 25, 4, 30, tzinfo=UTC)


def test_a_schedule_that_runs_late_while_an_hour_is_repeated_runs_once(schedule: Schedule):
    late = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)  # 02:10 in Berlin for the second time
    Schedule.objects.update(cron="30 2 * * *", time_zone=BERLIN, next_at=late - timedelta(hours=1))
    with time_machine.travel(late):
        run_due()
    schedule.refresh_from_db()
    assert schedule.next_at == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


def test_a_schedule_that_is_off_or_not_due_queues_nothing(schedule: Schedule):
    Schedule.objects.update(next_at=Now() + timedelta(minutes=1))
    run_due()
    Schedule.objects.update(next_at=Now() - timedelta(minutes=1), is_enabled=False)
    run_due()
    assert not Build.objects.exists()


def test_a_schedule_of_services_that_need_each_other_says_so(schedule: Schedule):
    api, web = Source.objects.order_by("pk")
    api.needs.add(web)
    web.needs.add(api)
    Schedule.objects.update(next_at=Now() - timedelta(minutes=1))
    run_due()
    schedule.refresh_from_db()
    assert schedule.error.startswith("These services need each other: ")
    assert schedule.next_at is not None
    assert schedule.next_at > datetime.now(UTC)
    assert not Build.objects.exists()


def form_of(*sources: Source, **changes: object) -> dict[str, object]:
    """Return what the form sends."""
    values = {"name": "nightly", "cron": "0 4 * * *", "time_zone": BERLIN, "is_enabled": "on"}
    return values | {"sources": [source.pk for source in sources]} | changes


def test_an_operator_makes_changes_and_deletes_a_schedule(
    client_of: Callable[[User], Client], alice: User, project: Project, make_source: MakeSource
):
    client, source = client_of(alice), make_source()
    new = f"/projects/{project.slug}/triggers/schedules/new/"
    assert client.post(new, form_of(source)).status_code == 302
    schedule = Schedule.objects.get()
    assert schedule.next_at is not None
    again = client.post(new, form_of(source))
    assert "There is a schedule with this name." in again.content.decode()
    client.post(schedule.get_absolute_url(), form_of(source, cron="15 6 * * 1"))
    schedule.refresh_from_db()
    assert schedule.cron == "15 6 * * 1"
    page = client.get(f"/projects/{project.slug}/triggers/").content.decode()
    assert "At 06:15 on Monday" in page
    client.post(f"{schedule.get_absolute_url()}delete/")
    assert not Schedule.objects.exists()
    actions = list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))
    assert actions[-3:] == ["schedule.changed", "schedule.changed", "schedule.deleted"]


def test_a_viewer_reads_schedules_and_changes_none(
    client_of: Callable[[User], Client], bob: User, project: Project, schedule: Schedule
):
    client = client_of(bob)
    page = client.get(f"/projects/{project.slug}/triggers/")
    assert "nightly" in page.content.decode()
    assert client.get(schedule.get_absolute_url()).status_code == 404
    assert client.post(f"{schedule.get_absolute_url()}delete/").status_code == 404
    assert client.post(f"/projects/{project.slug}/triggers/hook/").status_code == 404


def test_another_project_s_services_cannot_be_scheduled(
    client_of: Callable[[User], Client], carol: User, schedule: Schedule
):
    elsewhere = Project.objects.get(slug="elsewhere")
    new = f"/projects/{elsewhere.slug}/triggers/schedules/new/"
    answer = client_of(carol).post(new, form_of(*schedule.sources.all()))
    assert "is not one of the available choices" in answer.content.decode()
