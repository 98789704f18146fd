"""What changed among findings in a time: what came, came back and went, and who brought the most.

Told from the findings' history, so by when reports were received. A finding counts once in each,
however often it did so. One that was on a branch alone came when it was in an image in use.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import Count, F, Q, Sum
from django.urls import reverse
from django.utils import timezone

from accounts.models import Project
from security.models import Finding, FindingDay, FindingEvent, Severity

Event = FindingEvent.Kind

CAME = Q(kind=Event.SHIPPED) | Q(kind=Event.OPENED) & ~Q(finding__seen_state=Finding.State.BRANCH)
BACK = Q(kind=Event.REOPENED) & ~Q(finding__seen_state=Finding.State.BRANCH)
WENT = Q(kind=Event.FIXED)

ONE_DAY = timedelta(days=1)

MOST_BRINGERS = 3
"""Builds, services or bases that are named, those that brought the most first."""


@dataclass(frozen=True, slots=True)
class Moved:
    """How many findings came, came back and went; ``open`` are there now, some of them overdue."""

    severity: Severity
    came: int = 0
    back: int = 0
    went: int = 0
    open: int = 0
    overdue: int = 0
    change: int = 0
    """Of what is open; waivers and statements count, too."""


@dataclass(frozen=True, slots=True)
class Bringer:
    """A build, service or origin with the findings that came, or came back, by it."""

    name: str
    href: str
    brought: int
    severe: int
    """Of these critical or high."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed since a day."""

    since: datetime
    moved: list[Moved]
    builds: list[Bringer]
    services: list[Bringer]
    origins: list[Bringer]

    @property
    def is_quiet(self) -> bool:
        """Whether nothing came, came back or went."""
        return not any(row.came or row.back or row.went for row in self.moved)


def changes_of(
    project: Project,
    first: date,
    services: Collection[str] | None = None,
    environment: str | None = None,
    last: date | None = None,
) -> Changes:
    """Return what changed from the beginning of a day, in UTC, until now or the end of ``last``.

    ``services`` are slugs; ``None`` is all of them. What is open is what is open now.
    """
    since = _begin(first)
    findings: Any = Finding.objects.filter(project=project)
    days: Any = FindingDay.objects.filter(project=project, environment=environment or "")
    events: Any = FindingEvent.objects.filter(project=project, at__gte=since).order_by()
    if last:
        events, days = events.filter(at__lt=_begin(last + ONE_DAY)), days.filter(day__lte=last)
    if services is not None:
        findings = findings.filter(service__slug__in=services)
        days = days.filter(service__slug__in=services)
        events = events.filter(finding__service__slug__in=services)
    if environment:
        findings = findings.filter(environments__contains=[environment])
        events = events.filter(finding__environments__contains=[environment])
    listed = reverse("security:findings", args=[project.slug])
    brought = _Brought(events)
    return Changes(
        since=since,
        moved=_moved(findings, days.filter(day__gte=first), events),
        builds=[
            Bringer(f"{row['introduced_by__service__name']}, build of {_day(row)}", href, *counts)
            for row, counts in brought.by(
                "introduced_by__public_id",
                "introduced_by__service__name",
                "introduced_by__listed_at",
            )
            if (href := _build_href(project, row))
        ],
        services=[
            Bringer(row["service__name"], f"{listed}?service={row['service__slug']}", *counts)
            for row, counts in brought.by("service__slug", "service__name")
        ],
        origins=[
            Bringer(_origin(row), "", *counts) for row, counts in brought.by("is_from_base", "base")
        ],
    )


def _begin(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), UTC)


def _moved(findings: Any, days: Any, events: Any) -> list[Moved]:
    rows = events.filter(CAME | BACK | WENT).values(severity=F("finding__severity"))
    counted = rows.annotate(came=_findings(CAME), back=_findings(BACK), went=_findings(WENT))
    moves = {row.pop("severity"): row for row in counted}
    late = Count("pk", filter=Q(due_at__lte=timezone.now()))
    standing = findings.open().order_by().values("severity")
    now = {row.pop("severity"): row for row in standing.annotate(open=Count("pk"), overdue=late)}
    summed = days.order_by().values("severity").annotate(change=Sum("opened"))
    changes = {row.pop("severity"): row for row in summed}
    return [
        Moved(
            severity,
            **moves.get(severity, {}),
            **now.get(severity, {}),
            **changes.get(severity, {}),
        )
        for severity in reversed(Severity)
    ]


def _findings(events: Q | None = None) -> Count:
    return Count("finding", distinct=True, filter=events)


@dataclass(frozen=True, slots=True)
class _Brought:
    """Findings that came or came back, to be told apart by one thing or another."""

    events: Any

    def by(self, *keys: str) -> list[tuple[dict[str, Any], tuple[int, int]]]:
        """Return those with the most of them, each with how many, and how many are severe."""
        named = {key: F(f"finding__{key}") for key in keys}
        rows = self.events.filter(CAME | BACK).values(**named)
        severe = _findings(Q(finding__severity__gte=Severity.HIGH))
        counted = rows.annotate(brought=_findings(), severe=severe)
        most = counted.order_by("-severe", "-brought", *keys)[:MOST_BRINGERS]
        return [(row, (row["brought"], row["severe"])) for row in most]


def _build_href(project: Project, row: dict[str, Any]) -> str:
    build = row["introduced_by__public_id"]
    return reverse("builds:detail", args=[project.slug, build]) if build else ""


def _day(row: dict[str, Any]) -> str:
    return f"{row['introduced_by__listed_at']:%-d %b %Y %H:%M} UTC"


def _origin(row: dict[str, Any]) -> str:
    if row["is_from_base"]:
        return f"Base image {row['base']}".strip()
    return "Not known" if row["is_from_base"] is None else "Ours"
