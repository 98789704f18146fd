"""How a project gets on with its findings: what is open, how old, how fast it goes, by day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd
from django import forms
from django.db.models import Count, DateField, Q, Sum, Value
from django.db.models.functions import Coalesce, Greatest, TruncDate
from django.utils import timezone

from accounts.models import Project
from analytics.remediation import (
    AGES,
    DAYS,
    ENDED,
    STANDING,
    Speed,
    ageing,
    by_day,
    frame,
    speed,
    total_by_day,
)
from builds.models import Service
from security.filters import WEEK
from security.models import Finding, FindingDay
from security.severities import SHOWN

PERIODS = ((30, "30 days"), (90, "90 days"), (180, "180 days"), (365, "1 year"))
DEFAULT_DAYS = 90

NO_BASE = "Ours, or not known"


class RemediationForm(forms.Form):
    """Of which service and environment, and over which time; what is no choice is not applied."""

    service = forms.ChoiceField(required=False)
    environment = forms.ChoiceField(required=False)
    days = forms.TypedChoiceField(required=False, label="Period", choices=PERIODS, coerce=int)

    def __init__(self, project: Project, query: Mapping[str, Any]) -> None:
        super().__init__({"days": str(DEFAULT_DAYS), **query})
        services = Service.objects.filter(project=project).order_by("name")
        named = FindingDay.objects.filter(project=project).exclude(environment="")
        names = named.order_by("environment").values_list("environment", flat=True).distinct()
        fields: Any = self.fields
        fields["service"].choices = [("", "All"), *services.values_list("slug", "name")]
        fields["environment"].choices = [("", "All"), *((name, name) for name in names)]
        self.full_clean()

    @property
    def period(self) -> tuple[date, date]:
        """The first day and the last, which is today."""
        today = timezone.now().date()
        return today - timedelta(days=(self.cleaned_data.get("days") or DEFAULT_DAYS) - 1), today


@dataclass(frozen=True, slots=True)
class Group:
    """A service, environment or base: what is open, and how it goes; ``trend`` is open by day."""

    name: str
    open: int
    overdue: int
    change: int
    speed: Speed
    trend: list[int]


@dataclass(frozen=True, slots=True)
class Remediation:
    """What is told of a project in a period; severities are numbers."""

    first: date
    last: date
    open: int
    overdue: int
    due_in_a_week: int
    speeds: dict[int, Speed]
    whole: Speed
    ages: dict[int, list[int]]
    burn_down: list[dict[str, Any]]
    services: list[Group]
    environments: list[Group]
    bases: list[Group]


def remediation_of(project: Project, form: RemediationForm) -> Remediation:
    """Return how a project gets on: from sums by day, and counts of what is open or was fixed."""
    first, last = form.period
    service, environment = (form.cleaned_data.get(name) for name in ("service", "environment"))
    findings: Any = Finding.objects.filter(project=project)
    days: Any = FindingDay.objects.filter(project=project, day__lte=last)
    if service:
        findings = findings.filter(service__slug=service)
        days = days.filter(service__slug=service)
    if environment:
        findings = findings.filter(environments__contains=[environment])
    standing, ended, changes = _standing(findings), _ended(findings, first), _days(days, first)
    whole = changes[changes["environment"] == (environment or "")]
    named = changes[changes["environment"] != ""]
    if environment:
        named = named[named["environment"] == environment]
    told = _Told(standing, ended, first, last)
    return Remediation(
        first=first,
        last=last,
        open=int(standing["count"].sum()),
        overdue=int(standing["overdue"].sum()),
        due_in_a_week=int(standing["soon"].sum()),
        speeds={level: told.speed_of("severity", level) for level in SHOWN},
        whole=speed(standing, ended, first, last),
        ages=ageing(standing, last),
        burn_down=_burn_down(whole, first, last),
        services=told.groups("service", whole),
        environments=told.by_environment(named, environment or ""),
        bases=told.groups("base", whole),
    )


def _standing(findings: Any) -> pd.DataFrame:
    now = timezone.now()
    rows = findings.open().annotate(opened=TruncDate(Coalesce("reopened_at", "first_seen_at")))
    grouped = rows.order_by().values("service__slug", "environments", "base", "severity", "opened")
    counted = grouped.annotate(
        late=Count("pk", filter=Q(due_at__lte=now)),
        soon=Count("pk", filter=Q(due_at__gt=now, due_at__lte=now + WEEK)),
        all=Count("pk"),
    )
    keys = ("service__slug", "environments", "base", "severity", "opened", "late", "soon", "all")
    return frame(counted.values_list(*keys), STANDING)


def _ended(findings: Any, first: date) -> pd.DataFrame:
    begin = datetime.combine(first, datetime.min.time(), UTC)
    rows = findings.filter(fixed_at__gte=begin).annotate(
        opened=TruncDate(Coalesce("reopened_at", "first_seen_at")), ended=TruncDate("fixed_at")
    )
    keys = ("service__slug", "environments", "base", "severity", "opened", "ended")
    grouped = rows.order_by().values(*keys).annotate(all=Count("pk"))
    return frame(grouped.values_list(*keys, "all"), ENDED)


def _days(days: Any, first: date) -> pd.DataFrame:
    """Return the sums of a period's days; what was before it is in its first."""
    start = Value(first, output_field=DateField())
    keys = ("service__slug", "environment", "base", "severity")
    rows = days.annotate(at=Greatest("day", start)).order_by().values(*keys, "at")
    summed = rows.annotate(up=Sum("opened"), late=Sum("overdue"))
    return frame(summed.values_list(*keys, "at", "up", "late"), DAYS)


def _burn_down(changes: pd.DataFrame, first: date, last: date) -> list[dict[str, Any]]:
    open_ones = by_day(changes, first, last, "severity").to_dict("records")
    overdue = total_by_day(changes, first, last, "overdue")
    return [
        {
            "day": first + timedelta(days=number),
            "open": sum(counts.values()),
            "overdue": int(late),
            **{level.label.lower(): int(counts.get(level, 0)) for level in SHOWN},
        }
        for number, (counts, late) in enumerate(zip(open_ones, overdue, strict=True))
    ]


@dataclass(frozen=True, slots=True)
class _Told:
    """What is open, and what was fixed, to be told apart by one thing or another."""

    standing: pd.DataFrame
    ended: pd.DataFrame
    first: date
    last: date

    def speed_of(self, column: str, value: Any) -> Speed:
        """Return how fast those of one value are fixed."""
        standing = self.standing[self.standing[column] == value]
        ended = self.ended[self.ended[column] == value]
        return speed(standing, ended, self.first, self.last)

    def groups(self, column: str, changes: pd.DataFrame) -> list[Group]:
        """Return a group for each value, the one with the most open findings first."""
        trends = by_day(changes, self.first, self.last, column)
        names = {*trends.columns, *self.standing[column], *self.ended[column]}
        found = [self._group(column, name, trends) for name in sorted(names)]
        told = [group for group in found if group.open or group.speed.fixed or any(group.trend)]
        return sorted(told, key=lambda group: (-group.open, group.name))

    def _group(self, column: str, name: str, trends: pd.DataFrame) -> Group:
        open_now = self.standing[self.standing[column] == name]
        trend = [int(value) for value in trends[name]] if name in trends else []
        return Group(
            name=name,
            open=int(open_now["count"].sum()),
            overdue=int(open_now["overdue"].sum()),
            change=trend[-1] - trend[0] if trend else 0,
            speed=self.speed_of(column, name),
            trend=trend,
        )

    def by_environment(self, changes: pd.DataFrame, only: str) -> list[Group]:
        """Return a group for each environment; a finding that is in two counts in both."""
        apart = _Told(_apart(self.standing, only), _apart(self.ended, only), self.first, self.last)
        return apart.groups("environment", changes)


def _apart(rows: pd.DataFrame, only: str) -> pd.DataFrame:
    """Give each environment a row of its own; images that say none are in none."""
    apart = rows.explode("environments").rename(columns={"environments": "environment"})
    apart = apart[apart["environment"].notna() & (apart["environment"] != "")]
    return apart[apart["environment"] == only] if only else apart


def age_labels() -> list[str]:
    """Return what the buckets of ``ages`` are called."""
    edges = [0, *(age + 1 for age in AGES)]
    return [
        *(f"{low} to {high} days" for low, high in zip(edges, AGES, strict=False)),
        f"over {AGES[-1]} days",
    ]
