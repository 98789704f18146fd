"""Numbers for Prometheus: of the actor's projects alone, in its own format."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Scope
from accounts.services import create_project
from alerts.models import Alert
from audit.checkpoints import make_checkpoint
from audit.models import AuditChain
from audit.services import SYSTEM, chain_name, record
from audit.signing import make_key_file
from builds.models import Build
from builds.services import get_or_create_service
from cache.tasks import roll_up_stale
from channels.models import Delivery
from farm.models import Source
from farm.queueing import Wish
from farm.services import trigger
from reports.models import ReportRun
from tests.trends.test_trends import built
from trends.following import follow_next
from trends.models import Change, Series

pytestmark = pytest.mark.django_db


def values_of(labels: dict[str, str]) -> list[str]:
    """Project and service first."""
    first = [name for name in ("project", "service") if name in labels]
    return [labels[name] for name in (*first, *(labels.keys() - set(first)))]


def gauges(client: APIClient) -> dict[tuple[str, ...], float]:
    """Numbers by name and values of labels."""
    answer = client.get("/api/v1/metrics/")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    return {
        (sample.name.removeprefix("buildinsights_"), *values_of(sample.labels)): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


def test_numbers_are_of_the_last_days_and_of_ones_own_projects(
    project: Project, alice: User, carol: User, api_of: Callable[..., APIClient]
):
    today = timezone.now().date()
    service = get_or_create_service(project_id=project.pk, name='a "b"')
    for wall in (10, 20, 30):
        built(service, today, wall, image_bytes=1000, hit_ratio_time=0.5)
    built(service, today, 5, status=Build.Status.FAILED)
    built(service, today - timedelta(days=7), 500)
    elsewhere = create_project(name="Other", owner=carol)
    built(get_or_create_service(project_id=elsewhere.pk, name="secret"), today, 1)
    source = Source.objects.create(service=service, repository_url="https://x.example/y")
    trigger(sources=[source], wish=Wish(), actor=alice)
    roll_up_stale()
    while follow_next():
        pass
    client = api_of(Scope.BUILDS_READ)
    gauges(client)  # a token's first use on a day is noted
    with CaptureQueriesContext(connection) as queries:
        found = gauges(client)
    assert len(queries) <= 14
    own = (project.slug, service.slug)
    assert found["builds", *own, "succeeded"] == 3
    assert found["builds", *own, "failed"] == 1
    assert found["wall_seconds", *own, "0.5"] == pytest.approx(20, rel=0.01)
    assert found["wall_seconds", *own, "0.9"] == pytest.approx(28, rel=0.01)
    assert found["image_bytes", *own, "0.5"] == pytest.approx(1000, rel=0.01)
    assert found["hit_ratio_time", *own, "0.5"] == 0.5
    assert found["requests", *own, "ready"] == 1
    assert not any("secret" in key for key in found)


def test_open_changes_are_counted(project: Project, api_of: Callable[..., APIClient]):
    service = get_or_create_service(project_id=project.pk, name="api")
    build = built(service, timezone.now().date(), 10)
    series = Series.objects.create(service=service, metric="wall_seconds")
    for number, state in enumerate(("new", "acknowledged", "reopened")):
        other = built(service, timezone.now().date(), 10 + number)
        Change.objects.create(
            series=series,
            kind="step",
            state=state,
            build=other,
            seen_in=build,
            direction=1,
            before=1,
            after=2,
            ratio=1,
            ratio_low=1,
            ratio_high=1,
            p_value=0,
            builds_before=1,
            builds_after=1,
            method="x",
            is_worse=True,
            found_at=timezone.now(),
        )
    found = gauges(api_of(Scope.BUILDS_READ))
    assert found["open_changes", project.slug, service.slug, "wall_seconds"] == 2


def alert_of(project: Project, cause: str, state: str = "firing", severity: str = "high") -> None:
    now = timezone.now()
    Alert.objects.create(
        project=project,
        rule_name="Slow",
        rule_version=1,
        kind="change",
        cause=cause,
        title=cause,
        severity=severity,
        state=state,
        began_at=now,
        seen_at=now,
        fired_at=now,
        resolved_at=now if state == "resolved" else None,
    )


class TestOfProjects:
    """What tells people, and what proves; of others' projects there is nothing."""

    @pytest.fixture(autouse=True)
    def elsewhere(self, carol: User) -> Project:
        """A project of somebody else, in which all is bad."""
        elsewhere = create_project(name="Other", owner=carol)
        alert_of(elsewhere, "secret")
        Delivery.objects.create(
            project=elsewhere, composer="x", recipients=["a@example.org"], key="secret"
        )
        AuditChain.objects.filter(name=chain_name(elsewhere)).update(break_sequence=1)
        return elsewhere

    def test_all_is_well(self, project: Project, api_of: Callable[..., APIClient]):
        found = gauges(api_of(Scope.BUILDS_READ))
        slug = project.slug
        severities = ("info", "low", "medium", "high", "critical")
        assert {found["alerts_firing", slug, severity] for severity in severities} == {0}
        assert {found["deliveries", slug, state] for state in ("pending", "failed")} == {0}
        assert found["oldest_pending_delivery_seconds", slug] == 0
        assert found["report_runs_failed", slug] == 0
        assert found["audit_chain_broken", slug] == 0
        assert ("audit_checkpoint_age_seconds", slug) not in found, "nothing is signed"
        assert not any("other" in key for key in found)

    def test_alerts_by_severity(self, project: Project, api_of: Callable[..., APIClient]):
        alert_of(project, "a")
        alert_of(project, "b")
        alert_of(project, "c", severity="critical")
        alert_of(project, "d", state="acknowledged")
        alert_of(project, "e", state="resolved")
        found = gauges(api_of(Scope.BUILDS_READ))
        assert found["alerts_firing", project.slug, "high"] == 2
        assert found["alerts_firing", project.slug, "critical"] == 1
        assert found["alerts_firing", project.slug, "low"] == 0

    def test_deliveries_and_reports(self, project: Project, api_of: Callable[..., APIClient]):
        now = timezone.now()
        made = [("pending", 10), ("pending", 30), ("failed", 60), ("failed", 8 * 1440), ("sent", 9)]
        for number, (state, minutes) in enumerate(made):
            Delivery.objects.create(
                project=project,
                composer="report",
                recipients=["a@example.org"],
                key=str(number),
                state=state,
                created_at=now - timedelta(minutes=minutes),
            )
        for days in (1, 2, 8):
            ReportRun.objects.create(
                project=project,
                name="Weekly",
                due_at=now - timedelta(days=days),
                first=now.date(),
                last=now.date(),
                state="failed",
            )
        found = gauges(api_of(Scope.BUILDS_READ))
        assert found["deliveries", project.slug, "pending"] == 2
        assert found["deliveries", project.slug, "failed"] == 1, "of seven days"
        assert 1800 <= found["oldest_pending_delivery_seconds", project.slug] < 1900
        assert found["report_runs_failed", project.slug] == 2

    def test_the_trail(
        self, project: Project, api_of: Callable[..., APIClient], settings: Any, tmp_path: Path
    ):
        make_key_file(tmp_path / "key.pem")
        settings.AUDIT_SIGNING_KEY_FILE = str(tmp_path / "key.pem")
        chain = chain_name(project)
        api = api_of(Scope.BUILDS_READ)
        with time_machine.travel(timezone.now() - timedelta(hours=2), tick=False):
            make_checkpoint(chain)
        with transaction.atomic():
            record(actor=SYSTEM, action="x.done", target=project, project=project)
        AuditChain.objects.filter(name=chain).update(break_sequence=1, break_reason="changed")
        found = gauges(api)
        assert found["audit_chain_broken", project.slug] == 1
        assert 7200 <= found["audit_checkpoint_age_seconds", project.slug] < 7300
        assert found["audit_unsigned_events", project.slug] == 1


def test_it_takes_the_right_to_read_builds(api_of: Callable[..., APIClient]):
    assert APIClient().get("/api/v1/metrics/").status_code == 401
    assert api_of(Scope.INGEST_WRITE).get("/api/v1/metrics/").status_code == 403
