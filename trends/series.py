"""A metric of a service over time, from the distributions by day."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F
from django.utils import timezone

from analytics.sketch import merged, quantiles
from buildinsights.templatetags.formats import duration
from builds.branches import BranchClass
from builds.models import Build, Service
from trends.metrics import TRENDS, Metric
from trends.models import HOMOGENEOUS, BuildDay, PartDay

SHARES = (0.25, 0.5, 0.75, 0.9, 0.95)
NAMES = ("p25", "median", "p75", "p90", "p95")
NARROWED_BY = ("cache_state", "branch_class", *HOMOGENEOUS)


STEP_SECONDS = Metric("step_seconds", "Busy time of a stage or step", "s", duration)
"""Of the builds in which it ran."""

SHOWN = {**TRENDS, STEP_SECONDS.name: STEP_SECONDS}


class Grain(models.TextChoices):
    """How long a point's time is."""

    DAY = "day", "Day"
    WEEK = "week", "Week"
    MONTH = "month", "Month"


MOST_OF_DAYS, MOST_OF_WEEKS = 45, 400
"""Days up to which a point is of a day, and of a week, if nobody says of what."""


def fitting(query: Mapping[str, Any]) -> Grain:
    """Return what a point is of if nobody says so: finer the shorter the time that is named."""
    try:
        span = date.fromisoformat(query["before"]) - date.fromisoformat(query["after"])
    except (KeyError, ValueError):
        return Grain.WEEK
    if span.days > MOST_OF_WEEKS:
        return Grain.MONTH
    return Grain.WEEK if span.days > MOST_OF_DAYS else Grain.DAY


LONGEST_DAYS = 731
"""Two years, one of them a leap year."""

DEFAULT_DAYS = 90
DAYS = ((30, "30 days"), (DEFAULT_DAYS, "90 days"), (180, "180 days"), (365, "a year"))


class DayField(forms.DateField):
    """A day as ISO 8601 writes it, within what calendars and databases agree on."""

    def __init__(self, label: str) -> None:
        limits = [MinValueValidator(date(2000, 1, 1)), MaxValueValidator(date(2100, 1, 1))]
        widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
        super().__init__(
            label=label,
            required=False,
            input_formats=["%Y-%m-%d"],
            validators=limits,
            widget=widget,
        )


class TrendForm(forms.Form):
    """Which metric, how fine, which days, and which builds; what is not a choice is an error."""

    metric = forms.ChoiceField(choices=[(m.name, m.label) for m in SHOWN.values()])
    stage = forms.ChoiceField(required=False)
    step = forms.CharField(required=False, max_length=32, widget=forms.HiddenInput)
    grain = forms.ChoiceField(choices=Grain.choices)
    days = forms.TypedChoiceField(label="Period", choices=DAYS, coerce=int)
    after = DayField("From")
    before = DayField("Before")
    cache_state = forms.ChoiceField(
        required=False, label="Cache", choices=[("", "All"), *Build.CacheState.choices]
    )
    branch_class = forms.ChoiceField(
        required=False, label="Branch", choices=[("", "All"), *BranchClass.choices]
    )
    target = forms.ChoiceField(required=False)
    variant = forms.ChoiceField(required=False)
    platforms = forms.ChoiceField(required=False)
    environment = forms.ChoiceField(required=False)

    def __init__(self, service: Service, query: Mapping[str, Any]) -> None:
        defaults = {"metric": "wall_seconds", "grain": fitting(query), "days": str(DEFAULT_DAYS)}
        super().__init__({**defaults, **query})
        self._choose_parts(service)
        year = timezone.now().date() - timedelta(days=DAYS[-1][0])
        known = BuildDay.objects.filter(service=service, day__gte=year).order_by()
        rows = list(known.values_list(*HOMOGENEOUS).distinct())
        for index, name in enumerate(HOMOGENEOUS):
            field: Any = self.fields[name]
            values = sorted({row[index] for row in rows if row[index]})
            field.choices = [("", "All"), *((value, value) for value in values)]

    def _choose_parts(self, service: Service) -> None:
        """Offer the stages of a year; other metrics are of none."""
        if self.data["metric"] != STEP_SECONDS.name:
            del self.fields["stage"], self.fields["step"]
            return
        last = timezone.now().date()
        known = PartDay.objects.of(service, last - timedelta(days=DAYS[-1][0]), last)
        stages = known.filter(part=PartDay.Part.STAGE).order_by("name")
        field: Any = self.fields["stage"]
        names = stages.values_list("name", flat=True).distinct()
        field.choices = [("", "None"), *((name, name) for name in names)]

    def clean(self) -> None:
        """Refuse a part without a name, and a time that ends before it begins or is too long."""
        if self.errors:
            return
        if self.cleaned_data["metric"] == STEP_SECONDS.name and self.part is None:
            self.add_error("stage", "Name a stage or a step, and not both.")
        first, last = self.period
        if last < first:
            self.add_error("before", "This must be later than the day it begins with.")
        elif (last - first).days >= LONGEST_DAYS:
            self.add_error("after", "Two years are shown at most.")

    @cached_property
    def period(self) -> tuple[date, date]:
        """The first and the last day: those that are named, else ``days`` until today."""
        said = self.cleaned_data
        after, before = said.get("after"), said.get("before")
        last = before - timedelta(days=1) if before else timezone.now().date()
        return after or last - timedelta(days=said["days"] - 1), last

    @property
    def part(self) -> tuple[str, str] | None:
        """Of which stage or step: what it is, and its name."""
        said = self.cleaned_data
        named = [(part, said[part]) for part in PartDay.Part.values if said.get(part)]
        return named[0] if len(named) == 1 else None

    @property
    def means(self) -> Metric:
        """What is shown; of a stage, with its name."""
        metric = SHOWN[self.cleaned_data["metric"]]
        if self.part is None:
            return metric
        part, name = self.part
        said = f"stage {name}" if part == PartDay.Part.STAGE else "a step"
        return replace(metric, label=f"Busy time of {said}")

    @property
    def day_count(self) -> int:
        """How many days are shown."""
        first, last = self.period
        return (last - first).days + 1

    @property
    def is_part(self) -> bool:
        """Whether days were named."""
        return bool(self.cleaned_data.get("after") or self.cleaned_data.get("before"))

    @property
    def group(self) -> dict[str, str]:
        """What rows are narrowed by."""
        said = self.cleaned_data
        return {name: said[name] for name in NARROWED_BY if said.get(name)}


@dataclass(frozen=True, slots=True)
class Trend:
    """Points of one metric, oldest first, and the whole period against the one before.

    A point: ``start`` (its first day), ``builds, succeeded, failed, success_ratio`` and ``p25,
    median, p75, p90, p95`` of succeeded builds, which are ``None`` if no such value is known.
    """

    metric: Metric
    grain: Grain
    points: list[dict[str, Any]]
    now: dict[str, Any]
    before: dict[str, Any]


def trend_of(service: Service, form: TrendForm) -> Trend:
    """Return what a valid form asks for; days are UTC."""
    metric, grain = form.means, Grain(form.cleaned_data["grain"])
    first, last = form.period
    rows = _rows(service, form, first - timedelta(days=form.day_count), last)
    by_start: defaultdict[date, list[Any]] = defaultdict(list)
    for row in rows:
        if row["day"] >= first:
            by_start[start_of(row["day"], grain)].append(row)
    return Trend(
        metric,
        grain,
        [{"start": start} | _point(by_start[start], metric) for start in sorted(by_start)],
        _point([row for row in rows if row["day"] >= first], metric),
        _point([row for row in rows if row["day"] < first], metric),
    )


def _rows(service: Service, form: TrendForm, first: date, last: date) -> list[Any]:
    """Return a row a day and group, with the one metric's distribution."""
    counts = ("builds", "succeeded", "failed")
    if form.part:
        part, name = form.part
        parts = PartDay.objects.of(service, first, last, form.group).filter(part=part, name=name)
        return [
            *parts.order_by("build_day__day").values(*counts, "sketch", day=F("build_day__day"))
        ]
    days = BuildDay.objects.filter(service=service, **form.group).within(first, last)
    columns = ("day", *counts)
    return [*days.order_by("day").values(*columns, sketch=F(f"sketches__{form.means.name}"))]


def start_of(day: date, grain: Grain) -> date:
    """Return the first day of the time that a day belongs to; weeks begin on Monday."""
    if grain is Grain.WEEK:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if grain is Grain.MONTH else day


def end_of(start: date, grain: Grain) -> date:
    """Return the last day of the time that begins then."""
    if grain is Grain.DAY:
        return start
    if grain is Grain.WEEK:
        return start + timedelta(days=6)
    return (start + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def starts_between(first: date, last: date, grain: Grain) -> list[date]:
    """Return the first day of each time from one that begins then to one that begins at last."""
    starts = [first]
    while starts[-1] < last:
        starts.append(end_of(starts[-1], grain) + timedelta(days=1))
    return starts


def _point(rows: list[Any], metric: Metric) -> dict[str, Any]:
    counts = {name: sum(row[name] for row in rows) for name in ("builds", "succeeded", "failed")}
    ended = counts["succeeded"] + counts["failed"]
    whole = merged(row["sketch"] for row in rows if row["sketch"])
    found = quantiles(whole, SHARES, metric.unit)
    values = zip(NAMES, found, strict=True) if found else ((name, None) for name in NAMES)
    return {
        **counts,
        "success_ratio": counts["succeeded"] / ended if ended else None,
        **dict(values),
    }
