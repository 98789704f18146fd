"""Whether what was done has helped: builds before and since, held together."""

from datetime import datetime, timedelta

from buildkit.advising import effect
from builds.models import Build
from cache.models import LayerAdvice
from recommendations.drafts import digest_of
from recommendations.models import Kind, Recommendation
from recommendations.sources.layers import key_of
from trends.models import Change

WINDOW = timedelta(days=28)
MOST = 200
"""Builds on each side, those next to the moment."""


def closing_of(row: Recommendation) -> datetime | None:
    """Return since when it is done, where that is known."""
    if row.kind == Kind.LAYER:
        followed = _followed(row)
        return followed.since if followed else None
    if row.kind == Kind.CHANGE and row.service_id:
        changes = Change.objects.filter(series__service=row.service_id, ended_at__isnull=False)
        found = (
            item for item in changes if digest_of(Kind.CHANGE, str(item.public_id)) == row.digest
        )
        change = next(found, None)
        return change.ended_at if change else None
    return None


def check(row: Recommendation) -> None:
    """Note what a build took before and since; of layer advice what its steps did."""
    if row.kind == Kind.LAYER:
        _check_layer(row)
    elif row.measure and row.closed_at:
        _check_builds(row, row.closed_at)


def _followed(row: Recommendation) -> LayerAdvice | None:
    advice = LayerAdvice.objects.filter(service=row.service_id).exclude(since=None)
    return next(
        (item for item in advice if digest_of(Kind.LAYER, key_of(item)) == row.digest), None
    )


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
