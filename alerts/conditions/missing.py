"""Services of which builds came, and come no more."""

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.db.models import Max, Sum
from pydantic import Field

from alerts.conditions.contract import (
    Condition,
    Observation,
    Parameters,
    Quiet,
    Wanted,
    Window,
    end_of,
    ends_of_days,
)
from alerts.conditions.groups import name_of
from alerts.conditions.last_days import service_of
from buildinsights.templatetags.formats import counted
from trends.models import BuildDay

LOOKED_BACK = 28
"""Days before the silence in which a service must have had its builds."""


class MissingParameters(Parameters):
    """Without a build for how many whole days."""

    days: int = Field(default=3, ge=1, le=90, title="Days without a build")


def observe(wanted: Wanted, window: Window) -> Iterator[Observation]:
    """Yield each service that had builds, with the whole days since the last one."""
    said: MissingParameters = wanted.parameters
    first = window.last_day - timedelta(days=LOOKED_BACK + said.days - 1)
    key = ("missing", first, wanted.branch_classes, wanted.environments, wanted.targets)
    rows = window.once(key, lambda: _read(window, wanted, first))
    for service, last, builds in rows:
        if not wanted.covers(service=service):
            continue
        silent = (window.last_day - last).days
        name = name_of(window, service)
        yield Observation(
            group=f"service:{service}",
            title=f"No build of {name} for {counted(silent, 'day')}",
            is_bad=silent >= said.days if builds >= wanted.least_samples else None,
            value=float(silent),
            threshold=float(said.days),
            unit="days",
            samples=builds,
            since=datetime.combine(last + timedelta(days=said.days + 1), time(), UTC)
            if silent >= said.days
            else None,
            summary=f"{counted(builds, 'build')} in the {LOOKED_BACK + said.days} days until "
            f"today, the last on {last:%Y-%m-%d}.",
            service_id=service,
        )


def _read(window: Window, wanted: Wanted, first: Any) -> list[tuple[int, Any, int]]:
    rows = _days(wanted, window).filter(day__gte=first)
    sums = rows.order_by().values_list("service_id").annotate(Max("day"), Sum("builds"))
    return [(service, last, builds) for service, last, builds in sums]


def _days(wanted: Wanted, window: Window) -> Any:
    rows = window.narrowed(BuildDay.objects.filter(day__lte=window.last_day))
    named = {
        "branch_class__in": wanted.branch_classes,
        "environment__in": wanted.environments,
        "target__in": wanted.targets,
    }
    return rows.filter(**{name: sorted(values) for name, values in named.items() if values})


def _last(wanted: Wanted, window: Window, groups: Collection[str]) -> Mapping[str, datetime]:
    rows = _days(wanted, window).filter(service__in={service_of(group) for group in groups})
    last = rows.order_by().values_list("service_id").annotate(Max("day"))
    return {f"service:{service}": end_of(day) for service, day in last}


CONDITION = Condition(
    MissingParameters,
    observe,
    ends_of_days,
    absent_is_good=False,
    quiet=Quiet(_last),
    about="A service that was built is built no more.",
)
