"""What ended long ago goes at night; what is open, waits or is young stays."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Project, User
from alerts.models import Alert, AlertEvent
from alerts.tasks import forget_old as forget_events
from audit.appending import append_pending
from audit.models import AuditEvent
from channels.models import Channel, Delivery
from channels.services import queue_mail
from channels.tasks import forget_old as forget_deliveries
from reports.models import ReportRun
from reports.tasks import forget_old as forget_reports

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _days(settings: Any) -> None:
    """Thirty of them."""
    settings.DELIVERY_RETENTION_DAYS = 30
    settings.ALERT_EVENT_RETENTION_DAYS = 30
    settings.REPORT_RETENTION_DAYS = 30


def ago(days: int) -> datetime:
    return timezone.now() - days * DAY


def purged(action: str) -> list[Any]:
    """What the trail says about it."""
    append_pending()
    return list(AuditEvent.objects.filter(action=action).values_list("actor_name", "changes"))


class TestDeliveries:
    @pytest.fixture
    def channel(self, project: Project) -> Channel:
        return Channel.objects.create(project=project, name="room", kind="slack")

    def make(self, channel: Channel, key: str, state: str, days: int) -> None:
        Delivery.objects.create(
            project=channel.project, channel=channel, key=key, state=state, next_at=ago(days)
        )

    def test_what_ended_goes_and_what_is_to_be_sent_stays(self, channel: Channel):
        for state in Delivery.State.values:
            self.make(channel, f"{state} old", state, 31)
            self.make(channel, f"{state} young", state, 29)
        forget_deliveries()
        left = set(Delivery.objects.values_list("key", flat=True))
        young = {"sent young", "failed young", "dropped young"}
        assert left == young | {"pending old", "pending young"}
        assert purged("deliveries.purged") == [("buildinsights", {"count": 3})]

    def test_nobody_writes_that_nothing_went(self, channel: Channel):
        self.make(channel, "young", "sent", 1)
        forget_deliveries()
        assert purged("deliveries.purged") == []

    def test_with_no_days_all_is_kept(self, channel: Channel, settings: Any):
        settings.DELIVERY_RETENTION_DAYS = 0
        self.make(channel, "old", "sent", 4000)
        forget_deliveries()
        assert Delivery.objects.count() == 1


class TestAlertEvents:
    def make(self, project: Project, cause: str, **values: Any) -> Alert:
        """An alert, with an event of the rule and one of a person, as old as it is."""
        alert = Alert.objects.create(
            project=project,
            rule_name="Slow",
            rule_version=1,
            kind="change",
            cause=cause,
            title=cause,
            severity="high",
            began_at=ago(90),
            seen_at=ago(90),
            fired_at=ago(90),
            **values,
        )
        for actor, kind in (("", "fired"), ("alice", "note")):
            AlertEvent.objects.create(alert=alert, at=ago(90), kind=kind, actor=actor, text="x")
        return alert

    def test_those_of_rules_go_once_the_alert_is_resolved_for_long(self, project: Project):
        self.make(project, "old", state="resolved", resolved_at=ago(31))
        self.make(project, "young", state="resolved", resolved_at=ago(29))
        self.make(project, "open", state="firing")
        self.make(project, "known", state="acknowledged")
        forget_events()
        left = AlertEvent.objects.filter(alert__cause="old")
        assert [event.actor for event in left] == ["alice"], "what people wrote is shown later on"
        assert AlertEvent.objects.exclude(alert__cause="old").count() == 6
        assert Alert.objects.count() == 4
        assert purged("alert_events.purged") == [("buildinsights", {"count": 1})]

    def test_the_page_says_that_deliveries_are_gone(
        self, project: Project, alice: User, client_of: Callable[[User], Client]
    ):
        told = self.make(project, "old", state="resolved", resolved_at=ago(31), told_at=ago(90))
        never = self.make(project, "never", state="resolved", resolved_at=ago(31))
        forget_events()
        AlertEvent.objects.filter(alert=told).delete()
        page = client_of(alice).get(told.get_absolute_url()).content.decode()
        assert "its deliveries are no longer kept" in page
        assert "no longer kept.</td>" in page, "in the timeline, too"
        page = client_of(alice).get(never.get_absolute_url()).content.decode()
        assert "Nobody: its rule has no channel" in page
        assert "no longer kept" not in page


class TestReports:
    def make(self, project: Project, name: str, state: str, days: int) -> ReportRun:
        return ReportRun.objects.create(
            project=project,
            name=name,
            due_at=ago(days),
            first=ago(days).date(),
            last=ago(days).date(),
            state=state,
            data={} if state == "made" else None,
            ended_at=ago(days),
        )

    def test_made_and_failed_ones_go(self, project: Project):
        for state in ReportRun.State.values:
            self.make(project, f"{state} old", state, 31)
            self.make(project, f"{state} young", state, 29)
        forget_reports()
        left = set(ReportRun.objects.values_list("name", flat=True))
        assert left == {"made young", "failed young", "pending old", "pending young"}
        assert purged("report_runs.purged") == [("buildinsights", {"count": 2})]

    def test_one_that_is_still_to_be_sent_to_somebody_stays(self, project: Project):
        run = self.make(project, "old", "made", 31)
        self.make(project, "other", "made", 31)
        queue_mail(
            project=project,
            composer="report",
            recipients=["boss@example.org"],
            key=run.key,
            facts={"run": str(run.public_id), "recipient": "x"},
        )
        forget_reports()
        assert [left.name for left in ReportRun.objects.all()] == ["old"]
        Delivery.objects.update(state="sent")
        forget_reports()
        assert not ReportRun.objects.exists()

    def test_the_page_of_one_that_stays_says_that_its_deliveries_are_gone(
        self, project: Project, alice: User, client_of: Callable[[User], Client]
    ):
        run = self.make(project, "old", "failed", 29)
        browser = client_of(alice)
        assert "no longer kept" not in browser.get(run.get_absolute_url()).content.decode()
        ReportRun.objects.update(recipients=3)
        assert "3, so old that" in browser.get(run.get_absolute_url()).content.decode()
