"""Whether what was done has helped: builds before and since, held together."""

from datetime import datetime

from buildkit.advising import effect
from builds.models import Build
from cache.models import LayerAdvice
from recommendations.drafts import WINDOW
from recommendations.models import Kind, Recommendation
from trends.models import Change

MOST = 200
"""Builds on each side, those next to the moment."""


def closing_of(row: Recommendation) -> datetime | None:
    """Return since when it is done, where that is known."""
    if row.kind == Kind.LAYER:
        followed = _followed(row)
        return followed.since if followed else None
    if row.kind == Kind.CHANGE:
        change = Change.objects.filter(public_id=row.key).first()
        return change.ended_at if change else None
    return None


def check(row: Recommendation) -> None:
    """Note what a build took before and since; of layer advice what its steps did."""
    if row.kind == Kind.LAYER:
        _check_layer(row)
    elif row.measure and row.closed_at:
        _check_builds(row, row.closed_at)


def _followed(row: Recommendation) -> LayerAdvice | None:
    digest = row.key.partition(" ")[2]
    return LayerAdvice.objects.filter(
        service=row.service_id, digest=digest, since__isnull=False
    ).first()


def _check_layer(row: Recommendation) -> None:
    followed = _followed(row)
    if followed is not None:
        row.builds_before, row.builds_since = followed.builds_before, followed.builds_since
        row.mean_before, row.mean_since = followed.mean_before, followed.mean_since
        row.difference_low = followed.difference_low
        row.difference_high = followed.difference_high


def _check_builds(row: Recommendation, moment: datetime) -> None:
    builds = Build.objects.filter(
        project=row.project_id, **{f"{row.measure}__isnull": False}
    ).succeeded()
    if row.service_id:
        builds = builds.filter(service=row.service_id, target=row.target, variant=row.variant)
    earlier = builds.filter(listed_at__range=(moment - WINDOW, moment)).newest_first()
    later = builds.filter(listed_at__range=(moment, moment + WINDOW)).order_by("listed_at", "pk")
    before = list(earlier.values_list(row.measure, flat=True)[:MOST])[::-1]
    since = list(later.values_list(row.measure, flat=True)[:MOST])
    row.builds_before, row.builds_since = len(before), len(since)
    if found := effect([float(value) for value in before], [float(value) for value in since]):
        row.mean_before, row.mean_since = found.before, found.after
        row.difference_low, row.difference_high = found.low, found.high
