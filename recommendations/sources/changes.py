"""Changes for the worse that nobody has said may stay."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Q

from accounts.models import Project
from buildkit.explaining import MEANINGS, Cause
from recommendations.drafts import Draft
from recommendations.models import Kind, Unit
from trends.changes_page import line_of
from trends.following import builds_of
from trends.models import Change

MEASURES = {"wall_seconds": Unit.SECONDS, "image_bytes": Unit.BYTES}
"""Metrics whose change is worth something by itself; cache hits are in the wall time."""

WINDOW = timedelta(days=28)
WEEKS = WINDOW / timedelta(days=7)
MOST = 50


def from_changes(project: Project, now: datetime) -> Iterator[Draft]:
    """Yield what it would be worth to go back to the level before, at the builds of four weeks."""
    found = Change.objects.filter(series__service__project=project, is_worse=True).open().told()
    worse = found.filter(series__metric__in=MEASURES).order_by("-found_at", "-pk")
    for change in worse[:MOST]:
        if draft := _draft(change, now):
            yield draft


def _draft(change: Change, now: datetime) -> Draft | None:
    series = change.series
    recent = Q(listed_at__gte=max(now - WINDOW, change.build.listed_at), listed_at__lte=now)
    builds = builds_of(series).filter(recent).count()
    if not builds:
        return None
    a_week = builds / WEEKS
    return Draft(
        kind=Kind.CHANGE,
        key=str(change.public_id),
        title=line_of(change)["title"],
        unit=MEASURES[series.metric],
        worth=(change.after - change.before) * a_week,
        low=change.before * change.ratio_low * a_week,
        high=change.before * change.ratio_high * a_week,
        why=tuple(_why(change, builds)),
        how=tuple(_how(change)),
        service=series.service,
        target=series.target,
        variant=series.variant,
        page=change.get_absolute_url(),
        builds=builds,
        examples=(change.build.buildkit_ref,) if change.build.buildkit_ref else (),
        measure=series.metric,
    )


def _why(change: Change, builds: int) -> Iterator[str]:
    line = line_of(change)
    since = f"{change.build.listed_at:%d %b %Y}"
    plural = "" if builds == 1 else "s"
    yield (
        f"{line['before']} before and {line['after']} since {since}; {builds} build{plural} of the "
        "last four weeks took that much more."
    )
    if line["step"]:
        yield f"{line['share']:.0%} of it by {line['step']}."
    yield from (cause["words"] for cause in change.causes[:1])


def _how(change: Change) -> Iterator[str]:
    """Say which commits to look at, and what helps against the likeliest cause."""
    first = change.causes[0] if change.causes else {}
    if first.get("revision"):
        yield f"Look at commit {first['revision'][:12]}."
    elif change.build.revision:
        last = change.last_before.revision[:12] if change.last_before else ""
        span = f"{last} to {change.build.revision[:12]}" if last else change.build.revision[:12]
        yield f"Look at the commits {span}."
    cause = first.get("cause", "")
    if cause in {item.value for item in Cause} and MEANINGS[Cause(cause)].advice:
        yield MEANINGS[Cause(cause)].advice
    if cause == "concurrency":
        yield "Let fewer builds run at once on this builder, or give it more processors."
    yield "If it may stay, acknowledge the change with the reason."
