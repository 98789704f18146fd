"""When data last came of groups that are not observed any more: one query for all of them."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime

from django.db.models import Max, Q

from alerts.conditions.contract import Wanted, Window, end_of
from alerts.conditions.groups import Group
from cache.models import CacheDay
from trends.models import HOMOGENEOUS, BuildDay

type Last = Callable[[Wanted, Window, Collection[str]], Mapping[str, datetime]]

NONE = {"target": "", "variant": "", "environment": "", "platforms": ""}


def service_of(group: str) -> int:
    """Return the key of the service that the name of a group begins with."""
    return int(group.partition("/")[0].removeprefix("service:"))


def last_days(
    days: type[BuildDay] | type[CacheDay],
    fields: tuple[str, ...] = HOMOGENEOUS,
    *,
    having: Q | None = None,
) -> Last:
    """Return what tells the end of the last day of groups that differ by these fields.

    ``having`` is what a day needs to count.
    """

    def last(wanted: Wanted, window: Window, groups: Collection[str]) -> Mapping[str, datetime]:
        rows = days.objects.filter(
            having or Q(),
            service__project=window.project_id,
            service__in={service_of(group) for group in groups},
            day__lte=window.last_day,
        )
        if wanted.branch_classes:
            rows = rows.filter(branch_class__in=sorted(wanted.branch_classes))
        found = rows.order_by().values_list("service_id", *fields).annotate(Max("day"))
        return {
            Group(service, **NONE | dict(zip(fields, values, strict=True))).key: end_of(day)
            for service, *values, day in found
        }

    return last


last_builds = last_days(BuildDay)
"""Of groups of builds."""


def last_values(metric: str) -> Last:
    """Return what tells the end of the last day on which builds of groups had a metric."""
    return last_days(BuildDay, having=Q(sketches__has_key=metric))
