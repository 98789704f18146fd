"""Rules, and what is stored for them, as it would be recorded."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from accounts.models import Project
from alerts.models import AlertRule
from analytics.sketch import sketch
from builds.models import Build, Service
from builds.partitions import month_of
from builds.services import get_or_create_service
from channels.models import Channel
from trends.metrics import TRENDS
from trends.models import BuildDay, Change, Series

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def service_of(project: Project, name: str = "api") -> Service:
    return get_or_create_service(project_id=project.pk, name=name)


def channel_of(project: Project, name: str = "room", kind: str = "slack") -> Channel:
    return Channel.objects.create(project=project, name=name, kind=kind)


def rule_of(
    project: Project,
    kind: str = "change",
    *,
    services: Any = (),
    channels: Any = (),
    **values: Any,
) -> AlertRule:
    """A rule that is due, resolves at once, and is looked at every minute."""
    defaults = {
        "name": f"{kind} {AlertRule.objects.count()}",
        "settle_seconds": 0,
        "every_seconds": 60,
        "next_due_at": NOON,
    }
    rule = AlertRule.objects.create(project=project, kind=kind, **defaults | values)
    rule.services.set(services)
    rule.channels.set(channels)
    return rule


def build_of(service: Service, at: datetime, **values: Any) -> Build:
    defaults = {
        "status": Build.Status.SUCCEEDED,
        "wall_seconds": 60.0,
        "target": "api",
        "revision": f"{int(at.timestamp()):040x}",
        "repository_url": "https://git.example.com/shop.git",
        "author": "Jonas Lind",
        "ref_name": "main",
    }
    return Build.objects.create(
        project_id=service.project_id,
        service=service,
        listed_at=at,
        started_at=at,
        steps_month=month_of(at),
        **defaults | values,
    )


def change_of(
    service: Service, at: datetime, *, metric: str = "wall_seconds", **values: Any
) -> Change:
    """A change for the worse from 60 to 90 s that was found at that time, five builds after."""
    series, _ = Series.objects.get_or_create(service=service, metric=metric, target="api")
    before = build_of(service, at - 3 * HOUR)
    build = build_of(service, at - 2 * HOUR, revision=values.pop("revision", "c0ffee"))
    defaults: dict[str, Any] = {
        "kind": Change.Kind.STEP,
        "last_before": before,
        "seen_in": build,
        "direction": 1,
        "before": 60.0,
        "after": 90.0,
        "ratio": 0.5,
        "ratio_low": 0.4,
        "ratio_high": 0.6,
        "p_value": 0.001,
        "builds_before": 20,
        "builds_after": 5,
        "method": "test",
        "is_worse": True,
        "parts": [{"name": "RUN npm ci", "identity": "abc", "share": 0.9}],
        "causes": [
            {"cause": "files", "words": "Copied files changed.", "weight": 0.9, "revision": ""}
        ],
    }
    return Change.objects.create(series=series, build=build, found_at=at, **defaults | values)


def day_of(service: Service, day: date, values: Any = (), **fields: Any) -> BuildDay:
    """A day of succeeded builds with these wall seconds, or of ``metric``."""
    metric = fields.pop("metric", "wall_seconds")
    failed = fields.pop("failed", 0)
    defaults = {
        "target": "api",
        "branch_class": "default",
        "builds": len(values) + failed,
        "succeeded": len(values),
        "failed": failed,
        "sketches": {metric: sketch(values, TRENDS[metric].unit)} if values else {},
    }
    return BuildDay.objects.create(service=service, day=day, **defaults | fields)
