"""How much of the work the cache spared, over days."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from django.db.models import Q, Sum
from pydantic import Field

from alerts.conditions.contract import (
    Condition,
    Observation,
    Parameters,
    Quiet,
    Wanted,
    Window,
    ends_of_days,
    named,
)
from alerts.conditions.groups import Group, name_of, trend_path
from alerts.conditions.last_days import last_days
from buildinsights.templatetags.formats import counted, ratio
from cache.models import CacheDay

COUNTS = ("builds", "cached_steps", "cacheable_steps", "saved_seconds", "executed_seconds")


WAYS = {"steps": "Steps that could be cached", "time": "The time of steps"}


class HitRatioParameters(Parameters):
    """Below which ratio, of steps or of their time, over how many days."""

    by: Annotated[Literal["steps", "time"], named(WAYS)] = Field(default="time", title="Counted in")
    least_ratio: float = Field(
        gt=0, le=1, title="Cache hits, at least", description="60 %, for example.", examples=[0.6]
    )
    days: int = Field(default=7, ge=1, le=90, title="Builds of the last days")


def observe(wanted: Wanted, window: Window) -> Iterator[Observation]:
    """Yield each target's hits: of steps cached ÷ cacheable, of time saved ÷ (saved + spent)."""
    said: HitRatioParameters = wanted.parameters
    found = window.once(("hits", said.days), lambda: _read(window, said.days))
    sums: defaultdict[Group, list[float]] = defaultdict(lambda: [0.0] * len(COUNTS))
    for (service, target, variant, platforms, branch), counts in found:
        if wanted.covers(service=service, target=target, branch=branch):
            own = sums[Group(service, target, variant, "", platforms)]
            sums[Group(service, target, variant, "", platforms)] = [
                total + count for total, count in zip(own, counts, strict=True)
            ]
    for group, (builds, cached, cacheable, saved, spent) in sums.items():
        hits, all_of_it = (cached, cacheable) if said.by == "steps" else (saved, saved + spent)
        if all_of_it:
            yield _observed(window, wanted, group, hits / all_of_it, int(builds))


def _read(window: Window, days: int) -> list[tuple[Any, Any]]:
    last = window.last_day
    rows = window.narrowed(CacheDay.objects.within(last - timedelta(days=days - 1), last))
    names = ("service_id", "target", "variant", "platforms", "branch_class")
    sums = {f"sum_{name}": Sum(name) for name in COUNTS}
    values = rows.order_by().values_list(*names).annotate(**sums)
    return [(row[: len(names)], row[len(names) :]) for row in values]


def _observed(
    window: Window, wanted: Wanted, group: Group, value: float, builds: int
) -> Observation:
    said: HitRatioParameters = wanted.parameters
    service = name_of(window, group.service_id)
    return Observation(
        group=group.key,
        title=f"Cache hits of {service} below {ratio(said.least_ratio)}",
        is_bad=value < said.least_ratio if builds >= wanted.least_samples else None,
        value=value,
        threshold=said.least_ratio,
        unit="ratio",
        samples=builds,
        summary=f"{ratio(value)} of {'cacheable steps' if said.by == 'steps' else 'their time'} "
        f"in {counted(builds, 'build')} of {counted(said.days, 'day')}.",
        service_id=group.service_id,
        path=trend_path(window, group, "hit_ratio_time") if value < said.least_ratio else "",
        fingerprint=f"hit_ratio_{said.by}",
        evidence={
            # Of steps there is no column of builds to look at afterwards.
            "metric": "hit_ratio_time" if said.by == "time" else "",
            "group": group.words,
            "before": said.least_ratio,
            "after": value,
            "is_limit": True,
        },
    )


FIELDS = ("target", "variant", "platforms")
LAST = {
    "steps": last_days(CacheDay, FIELDS, having=Q(cacheable_steps__gt=0)),
    "time": last_days(CacheDay, FIELDS, having=Q(saved_seconds__gt=0) | Q(executed_seconds__gt=0)),
}
"""When there was last anything of which a cache can have a share."""


def _last(wanted: Wanted, window: Window, groups: Collection[str]) -> Mapping[str, datetime]:
    return LAST[wanted.parameters.by](wanted, window, groups)


CONDITION = Condition(
    HitRatioParameters,
    observe,
    ends_of_days,
    absent_is_good=False,
    quiet=Quiet(_last, of="builds with a value"),
    about="The cache spares a smaller share of the work than it should.",
    narrowed_by=frozenset({"services", "labels", "branch_classes", "targets"}),
)
