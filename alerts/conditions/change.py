"""Levels that changed for the worse: what ``trends`` found, and what is behind it."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

from django.db.models import F, Q, QuerySet
from django.urls import reverse
from pydantic import Field

from alerts.conditions.contract import (
    QUIET_DAYS,
    Condition,
    Observation,
    Parameters,
    Quiet,
    Wanted,
    Window,
    between,
    ends_of_days,
)
from alerts.conditions.groups import Group, metrics_named
from alerts.conditions.last_days import last_builds
from bases.models import BaseUse
from trends.changes_page import title_of
from trends.metrics import METRICS
from trends.models import HOMOGENEOUS, Change, Series

LEAST_SPEAKS = 0.5
"""Share of the likeliest cause's weight from which on another one may be what is common."""


class ChangeParameters(Parameters):
    """Which changes: of which metrics, how large, and for how long each counts as new."""

    metrics: Annotated[list[str], metrics_named(METRICS)] = Field(
        default_factory=list, title="Metrics", description="None chosen: all of them."
    )
    least_percent: float = Field(
        default=0,
        ge=0,
        le=10_000,
        title="Worse by at least, in percent",
        description="Of ratios: percentage points.",
        examples=[20],
    )
    days: int = Field(
        default=28,
        ge=1,
        le=365,
        title="Counts as new for, in days",
        description="After that the level is the usual one, and the alert is resolved.",
    )
    with_outliers: bool = Field(
        default=False,
        title="Also outliers",
        description="Single builds that were much worse than those around them.",
    )

    def model_post_init(self, context: Any) -> None:
        """Refuse metrics whose level is not watched."""
        if unknown := sorted(set(self.metrics) - set(METRICS)):
            raise ValueError(f"No level of {', '.join(unknown)} is watched: {', '.join(METRICS)}.")


def observe(wanted: Wanted, window: Window) -> Iterator[Observation]:
    """Yield the changes that are new at the time, have not gone back by then, and whose builds
    still come.
    """
    said: ChangeParameters = wanted.parameters
    since = window.at - timedelta(days=said.days)
    changes = window.once(("changes", said.days), lambda: _read(wanted, window, since))
    bases = window.once(("change-bases", said.days), lambda: _new_bases(window, changes))
    for change in changes:
        if _is_meant(change, wanted, window.at):
            yield _observed(change, bases.get(change.pk, ""))


def _changes(window: Window) -> QuerySet[Change]:
    rows = Change.objects.filter(is_worse=True, is_slight=False)
    return window.narrowed(rows, "series__service")  # type: ignore[no-any-return]


def _read(wanted: Wanted, window: Window, since: datetime) -> list[Change]:
    rows = _changes(window).filter(found_at__gt=since, found_at__lte=window.at)
    still = Q(ended_at=None) | Q(ended_at__gt=window.at)
    # A single outlier is over when it is told.
    found = rows.filter(still | Q(kind=Change.Kind.OUTLIER))
    related = ("series__service__project", "build", "last_before")
    changes = list(found.select_related(*related).order_by("found_at", "pk"))
    last = _last_of(changes, wanted, window) if changes else {}
    quiet = {name for name, at in last.items() if (window.at - at).days >= QUIET_DAYS}
    return [change for change in changes if f"change:{change.public_id}" not in quiet]


def _is_meant(change: Change, wanted: Wanted, at: datetime) -> bool:
    said: ChangeParameters = wanted.parameters
    series = change.series
    return (
        wanted.covers(
            service=series.service_id, environment=series.environment, target=series.target
        )
        and (not said.metrics or series.metric in said.metrics)
        and abs(change.ratio) * 100 >= said.least_percent
        and (said.with_outliers or change.kind != Change.Kind.OUTLIER)
        and change.builds_after >= wanted.least_samples
    )


def _observed(change: Change, base: str) -> Observation:
    metric, first = change.series.means, change.causes[0] if change.causes else None
    part = change.parts[0] if change.parts else {}
    cause, headline = _common(change, base)
    return Observation(
        group=f"change:{change.public_id}",
        title=title_of(change),
        is_bad=True,
        value=change.after,
        threshold=change.before,
        unit=metric.unit,
        samples=change.builds_after,
        since=change.found_at,
        cause=cause,
        headline=headline,
        summary=f"{metric.label} was {metric.shown(change.before)} and is "
        f"{metric.shown(change.after)} since build "
        f"{change.build.revision[:9] or str(change.build.public_id)[:8]}."
        + (f" {first['words']}" if first else ""),
        service_id=change.series.service_id,
        path=change.get_absolute_url(),
        fingerprint=part.get("identity", ""),
        evidence={
            "metric": change.series.metric,
            "group": change.series.group,
            "before": change.before,
            "after": change.after,
            "builds_before": change.builds_before,
            "step": part.get("name", ""),
            "step_path": _step_path(change, part.get("identity", "")),
            "build": change.build_id,
            "last_before": change.last_before_id,
            "causes": [
                {"words": cause["words"], "revision": cause["revision"]}
                for cause in change.causes[:3]
            ],
        },
    )


def _step_path(change: Change, identity: str) -> str:
    service = change.series.service
    return (
        reverse("cache:step", args=[service.project.slug, service.slug, identity])
        if identity
        else ""
    )


def _common(change: Change, base: str) -> tuple[str, str]:
    """Return what a change may have in common with others, and what that is called.

    Another digest of a base is the same wherever it is; else the commit that the likeliest cause
    came with; else the first build of the new level, of whatever metric.
    """
    if base:
        name, _, digest = base.rpartition("@")
        return f"base:{base}", f"Base image {name} is another one ({digest[:19]})"
    build = change.build
    told = change.causes[0]["revision"] if change.causes else ""
    revision = told or build.revision
    if not revision:
        return f"build:{change.build_id}", ""
    return f"commit:{build.repository_url}@{revision}", f"Commit {revision[:9]} made builds worse"


def _new_bases(window: Window, changes: Iterable[Change]) -> dict[int, str]:
    """Return the base that changes came with, where a base speaks for them: by one query."""
    asked = [change for change in changes if _speaks_of_base(change)]
    builds = {key for change in asked for key in (change.build_id, change.last_before_id) if key}
    uses = (
        BaseUse.objects.filter(build__in=builds)
        .order_by("image_id")
        .values_list(
            "build_id",
            F("image__repository__host"),
            F("image__repository__name"),
            F("image__tag"),
            F("image__digest"),
        )
    )
    stood: defaultdict[int | None, dict[str, str]] = defaultdict(dict)
    for build, host, name, tag, digest in uses if builds else ():
        stood[build][f"{host}/{name}:{tag}"] = digest
    return {
        change.pk: found
        for change in asked
        if (found := _other(stood[change.last_before_id], stood[change.build_id]))
    }


def _other(before: dict[str, str], after: dict[str, str]) -> str:
    """Return the first base that has another digest, or was not there before."""
    found = (f"{name}@{digest}" for name, digest in after.items() if before.get(name) != digest)
    return next(found, "")


def _speaks_of_base(change: Change) -> bool:
    weights = [cause["weight"] for cause in change.causes if cause["cause"] == "base"]
    return bool(weights) and max(weights) >= LEAST_SPEAKS * change.causes[0]["weight"]


def moments(wanted: Wanted, window: Window, first: datetime) -> list[datetime]:
    """Return when changes were found, went back, or became usual, and the ends of days."""
    usual = timedelta(days=wanted.parameters.days)
    rows = _changes(window).filter(found_at__gt=first - usual, found_at__lte=window.at)
    times: list[datetime | None] = []
    for found, ended in rows.values_list("found_at", "ended_at"):
        times += [found, ended, found + usual]
    return between([*times, *ends_of_days(wanted, window, first)], first, window.at)


def _group_of(series: Series) -> Group:
    return Group(series.service_id, *(getattr(series, name) for name in HOMOGENEOUS))


def _last(wanted: Wanted, window: Window, groups: Collection[str]) -> Mapping[str, datetime]:
    """Return until when builds came of the groups of changes that have not gone back."""
    still = Q(ended_at=None) | Q(ended_at__gt=window.at)
    keys = [group.removeprefix("change:") for group in groups]
    changes = Change.objects.filter(still, public_id__in=keys).select_related("series")
    return _last_of(changes, wanted, window)


def _last_of(changes: Iterable[Change], wanted: Wanted, window: Window) -> dict[str, datetime]:
    names = {f"change:{change.public_id}": _group_of(change.series).key for change in changes}
    found = last_builds(wanted, window, names.values())
    return {group: found[name] for group, name in names.items() if name in found}


CONDITION = Condition(
    ChangeParameters,
    observe,
    moments,
    absent_is_good=True,
    quiet=Quiet(_last),
    about="Builds got slower or larger or hit the cache less, and have not gone back.",
    narrowed_by=frozenset({"services", "labels", "environments", "targets"}),
)
