"""What changed among findings in a time: what came, came back and went, and who brought the most.

A finding counts once in each, whatever happened to it: it came on the day on which it was first
seen, came back when it did so last, and went if it is gone still. What was on branches alone is
left out.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.db.models import Count, Q, Sum
from django.urls import reverse
from django.utils import timezone

from accounts.models import Project
from security.models import Finding, FindingDay, Severity

MOST_BRINGERS = 5
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
    project: Project, first: date, service: str | None = None, environment: str | None = None
) -> Changes:
    """Return what changed from the beginning of a day, in UTC, until now."""
    since = datetime.combine(first, datetime.min.time(), UTC)
    findings: Any = Finding.objects.filter(project=project)
    days: Any = FindingDay.objects.filter(project=project, environment=environment or "")
    if service:
        findings, days = findings.filter(service__slug=service), days.filter(service__slug=service)
    if environment:
        findings = findings.filter(environments__contains=[environment])
    listed = reverse("security:findings", args=[project.slug])
    brought = _Brought(findings, since)
    return Changes(
        since=since,
        moved=_moved(findings, days, since),
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


def _moved(findings: Any, days: Any, since: datetime) -> list[Moved]:
    seen = findings.exclude(seen_state=Finding.State.BRANCH)
    touched = seen.filter(
        Q(first_seen_at__gte=since) | Q(reopened_at__gte=since) | Q(fixed_at__gte=since)
    )
    rows = touched.order_by().values("severity")
    counted = rows.annotate(
        came=Count("pk", filter=Q(first_seen_at__gte=since)),
        back=Count("pk", filter=Q(reopened_at__gte=since)),
        went=Count("pk", filter=Q(fixed_at__gte=since)),
    )
    moves = {row.pop("severity"): row for row in counted}
    late = Count("pk", filter=Q(due_at__lte=timezone.now()))
    standing = (
        findings.open().order_by().values("severity").annotate(open=Count("pk"), overdue=late)
    )
    now = {row.pop("severity"): row for row in standing}
    later = days.filter(day__gte=since.date()).order_by()
    changes = dict(later.values_list("severity").annotate(Sum("opened")))
    return [
        Moved(
            severity,
            **moves.get(severity, {}),
            **now.get(severity, {}),
            change=changes.get(severity, 0),
        )
        for severity in reversed(Severity)
    ]


@dataclass(frozen=True, slots=True)
class _Brought:
    """Findings that came or came back, to be told apart by one thing or another."""

    findings: Any
    since: datetime

    def by(self, *keys: str) -> list[tuple[dict[str, Any], tuple[int, int]]]:
        """Return those with the most of them, each with how many, and how many are severe."""
        came = Q(first_seen_at__gte=self.since) | Q(reopened_at__gte=self.since)
        rows = self.findings.exclude(seen_state=Finding.State.BRANCH).filter(came)
        severe = Count("pk", filter=Q(severity__gte=Severity.HIGH))
        counted = rows.order_by().values(*keys).annotate(brought=Count("pk"), severe=severe)
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
