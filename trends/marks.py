"""Changes as marks of a chart."""

from collections.abc import Mapping
from datetime import date

from buildinsights.charts import Mark
from builds.models import Service
from trends.changes_page import title_of
from trends.models import HOMOGENEOUS, Change

MOST = 20
"""Marks of one chart; more could not be told apart."""


def marks_of(
    service: Service, metric: str, period: tuple[date, date], group: Mapping[str, str]
) -> list[Mark]:
    """Return the changes of a metric with the build that began them in those days, both with.

    ``group`` narrows them where it names what builds of a series have in common.
    """
    series = {f"series__{name}": group[name] for name in HOMOGENEOUS if name in group}
    changes = Change.objects.of_level().filter(
        series__service=service,
        series__metric=metric,
        build__listed_at__date__range=period,
        **series,
    )
    return [
        Mark(
            at=change.build.listed_at,
            text=title_of(change),
            state="worse" if change.is_worse else "better",
            href=change.get_absolute_url(),
        )
        for change in changes.told().order_by("-found_at")[:MOST]
    ]
