"""One step through all builds: hits, misses, durations, and why it missed by time lost."""

from datetime import timedelta
from typing import Any

from django.db.models import Max, Sum
from django.utils import timezone

from buildinsights.svg import TREND, shapes
from buildinsights.templatetags.formats import duration
from buildkit.explaining import MEANINGS, Cause
from builds.crumbs import service_crumbs
from builds.models import Build, Service, Step
from builds.weeks import day_axis
from cache.misses import hit_ratio
from cache.models import MissDay, StepDay, StepReason
from cache.step_names import NamedStep, named

DAYS = 180
SHOWN_BUILDS = 30


def step_page(service: Service, identity: str) -> dict[str, Any] | None:
    """Return the context; ``None`` if no build of the service had the step."""
    days = StepDay.objects.filter(service=service, identity=identity).order_by("day")
    newest, key = days.last(), (service.pk, identity)
    found = named({key: newest.last_build}).get(key) if newest else None
    if found is None:
        return None
    last = timezone.now().date()
    rows = list(days.within(last - timedelta(days=DAYS), last))
    return {
        "service": service,
        "crumbs": service_crumbs(service),
        "step": found.step,
        "build": found.build,
        "days": DAYS,
        "sums": _sums(rows),
        "trend": _trend(rows),
        "causes": causes(service, identity),
        "builds": _builds(service, found),
    }


def _sums(rows: list[StepDay]) -> dict[str, Any]:
    hits, misses = sum(row.hits for row in rows), sum(row.misses for row in rows)
    return {
        "hits": hits,
        "misses": misses,
        **hit_ratio(hits, misses),
        "executed_seconds": sum(row.executed_seconds for row in rows),
        "saved_seconds": sum(row.saved_seconds for row in rows),
    }


def _trend(rows: list[StepDay]) -> dict[str, Any]:
    """Draw the daily median of the runs; days on which it did not run are left out."""
    ran = [row for row in rows if row.median_seconds is not None]
    medians = [row.median_seconds or 0.0 for row in ran]
    drawn = shapes([(value,) * 3 for value in medians], TREND)
    if not medians:
        return {"points": "", "summary": "It did not run on any of these days."}
    words = f"{duration(min(medians))} to {duration(max(medians))}, last {duration(medians[-1])}"
    return {
        "points": drawn.points,
        "top": drawn.top,
        "summary": f"median of the runs of each of {len(ran)} days: {words}",
        "axis": day_axis(ran[0].day, ran[-1].day),
    }


def causes(service: Service, identity: str) -> list[dict[str, Any]]:
    """Return why the step missed, what cost most time first; of a cascade, what began it."""
    last = timezone.now().date()
    misses = MissDay.objects.filter(service=service, identity=identity)
    rows = list(
        misses.within(last - timedelta(days=DAYS), last)
        .order_by()
        .values("cause", "first_identity", "first_cause")
        .annotate(
            runs=Sum("misses"), lost_seconds=Sum("lost_seconds"), last_build=Max("last_build")
        )
        .order_by("-lost_seconds", "cause")
    )
    firsts = named({(service.pk, row["first_identity"]): row["last_build"] for row in rows})
    total = sum(row["lost_seconds"] for row in rows)
    return [
        row
        | {
            "meaning": MEANINGS[Cause(row["cause"])],
            "first": firsts.get((service.pk, row["first_identity"]))
            if row["first_identity"] != identity
            else None,
            "first_meaning": MEANINGS[Cause(row["first_cause"])],
            "share": row["lost_seconds"] / total if total else None,
        }
        for row in rows
    ]


def _builds(service: Service, found: NamedStep) -> list[dict[str, Any]]:
    """Return the step in the last builds of its target."""
    builds = list(
        Build.objects.filter(service=service, target=found.build.target)
        .select_related("project", "service")
        .finished()
        .newest_first()[:SHOWN_BUILDS]
    )
    steps = Step.objects.filter(
        month__in={build.steps_month for build in builds},
        build__in=builds,
        identity=found.step.identity,
    )
    by_build = {step.build_id: step for step in steps}
    reasons = StepReason.objects.filter(
        service=service, identity=found.step.identity, build__in=builds
    )
    why = {reason.build_id: MEANINGS[Cause(reason.cause)].title for reason in reasons}
    return [
        {"build": build, "step": by_build[build.pk], "why": why.get(build.pk, "")}
        for build in builds
        if build.pk in by_build
    ]
