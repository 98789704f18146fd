"""Changes for the worse that nobody has said may stay."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from statistics import median

from django.db.models import CharField, F, Value

from accounts.models import Project
from buildinsights.templatetags.formats import ratio
from buildkit.advising import interval_of_sum
from buildkit.explaining import MEANINGS, Cause
from recommendations.drafts import WEEKS, WINDOW, Draft
from recommendations.models import Kind, Unit
from trends.changes_page import line_of
from trends.following import builds_of
from trends.models import Change

MEASURES = {
    "wall_seconds": ("wall_seconds", Unit.SECONDS),
    "image_bytes": ("image_bytes", Unit.BYTES),
    "hit_ratio_time": ("wall_seconds", Unit.SECONDS),
}
"""What a change of each metric is worth is read from, and in what: hits in the time they saved."""

MOST = 50
MOST_BEFORE = 40
"""Builds before a change that those since are held against."""


def from_changes(project: Project, now: datetime) -> Iterator[Draft]:
    """Yield what builds of the last four weeks took more than those before the change.

    Times are held against builds of the same cache state, but for a change of the hits themselves;
    what is no longer worth anything is not told.
    """
    found = Change.objects.filter(series__service__project=project, is_worse=True).open().told()
    worse = found.filter(series__metric__in=MEASURES).order_by("-found_at", "-pk")
    for change in worse[:MOST]:
        more = _more(change, now)
        if sum(more) > 0:
            yield _draft(change, more)


def _more(change: Change, now: datetime) -> list[float]:
    """Return by how much each recent build is above the median of its like before the change."""
    metric, _ = MEASURES[change.series.metric]
    is_time = change.series.metric == "wall_seconds"
    like = F("cache_state") if is_time else Value("", output_field=CharField())
    known = builds_of(change.series).filter(**{f"{metric}__isnull": False})
    builds = known.annotate(like=like)
    first = change.build
    earlier = builds.filter(listed_at__lt=first.listed_at).order_by("-listed_at", "-pk")
    before: defaultdict[str, list[float]] = defaultdict(list)
    for like, value in earlier.values_list("like", metric)[:MOST_BEFORE]:
        before[like].append(float(value))
    since = builds.filter(
        listed_at__gte=max(now - WINDOW, first.listed_at), listed_at__lte=now
    ).order_by("listed_at", "pk")
    usual = {like: median(values) for like, values in before.items()}
    return [
        float(value) - usual[like]
        for like, value in since.values_list("like", metric)
        if like in usual
    ]


def _draft(change: Change, more: list[float]) -> Draft:
    series = change.series
    measure, unit = MEASURES[series.metric]
    interval = interval_of_sum(more)
    return Draft(
        kind=Kind.CHANGE,
        key=str(change.public_id),
        title=line_of(change)["title"],
        unit=unit,
        worth=sum(more) / WEEKS,
        low=interval[0] / WEEKS if interval else None,
        high=interval[1] / WEEKS if interval else None,
        why=tuple(_why(change, len(more))),
        how=tuple(_how(change)),
        service=series.service,
        target=series.target,
        variant=series.variant,
        page=change.get_absolute_url(),
        builds=len(more),
        examples=(change.build.buildkit_ref,) if change.build.buildkit_ref else (),
        measure=measure,
    )


def _why(change: Change, builds: int) -> Iterator[str]:
    line = line_of(change)
    since = f"{change.build.listed_at:%d %b %Y}"
    plural = "" if builds == 1 else "s"
    yield (
        f"{line['before']} before, {line['after']} when it was found, from {since} on; {builds} "
        f"build{plural} of the last four weeks held against those before it."
    )
    if line["step"]:
        yield f"{ratio(line['share'])} of it by {line['step']}."
    yield from (cause["words"] for cause in change.causes[:1])


def _how(change: Change) -> Iterator[str]:
    """Say which commits to look at, and what helps against the likeliest cause."""
    first = change.causes[0] if change.causes else {}
    if first.get("revision"):
        yield f"Look at commit {first['revision'][:12]}."
    elif change.build.revision:
        yield f"Look at {_commits(change)}."
    cause = first.get("cause", "")
    if cause in {item.value for item in Cause} and MEANINGS[Cause(cause)].advice:
        yield MEANINGS[Cause(cause)].advice
    if cause == "concurrency":
        yield "Let fewer builds run at once on this builder, or give it more processors."
    yield "If it may stay, acknowledge the change with the reason."


def _commits(change: Change) -> str:
    first, last = change.build.revision, change.last_before.revision if change.last_before else ""
    if not last or last == first:
        return f"commit {first[:12]}"
    return f"the commits after {last[:12]} up to {first[:12]}"
