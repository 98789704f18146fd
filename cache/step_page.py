"""One step through all builds: hits, misses, durations, and why it missed by time lost."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Max, Sum
from django.urls import reverse
from django.utils import timezone

from buildinsights.charts import Chart, Spot, draw
from buildinsights.templatetags.formats import duration
from buildkit.explaining import MEANINGS, Cause
from builds.crumbs import service_crumbs
from builds.models import Build, Service, Step
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
    builds = _builds(service, found)
    return {
        "service": service,
        "crumbs": service_crumbs(service),
        "step": found.step,
        "build": found.build,
        "days": DAYS,
        "sums": _sums(rows),
        "trend": _trend(service, identity, rows, builds),
        "causes": causes(service, identity),
        "builds": builds,
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


def _trend(
    service: Service, identity: str, rows: list[StepDay], builds: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return the daily median of the runs, and the runs of the last builds, as ``chart``.

    Days on which it did not run are left out.
    """
    ran = [row for row in rows if row.median_seconds is not None]
    medians = [row.median_seconds or 0.0 for row in ran]
    if not medians:
        return {"chart": None, "summary": "It did not run on any of these days."}
    words = f"{duration(min(medians))} to {duration(max(medians))}, last {duration(medians[-1])}"
    # What a drag and the links lead to is of those builds alone that succeeded.
    query = urlencode({"metric": "step_seconds", "step": identity, "days": DAYS})
    api = f"{reverse('api:service-trends', args=[service.slug])}?project={service.project.slug}"
    summary = f"median of the runs of each of {len(ran)} days: {words}"
    chart = Chart(
        spots=[_of_day(row) for row in ran],
        unit="s",
        shown=duration,
        summary=summary,
        name="Median of the day",
        dots=[
            _of_build(row["build"], row["step"])
            for row in reversed(builds)
            if row["step"].state == "executed" and row["build"].listed_at.date() >= ran[0].day
        ],
        dots_name="In the last builds",
        zoom=f"{reverse('trends:trend', args=[service.project.slug, service.slug])}?{query}",
        links={"As JSON": f"{api}&{query}", "As CSV": f"{api}&{query}&format=csv"},
        table="builds",
    )
    return {"chart": draw(chart), "summary": summary}


def _of_day(row: StepDay) -> Spot:
    lines = (
        f"Median of the day: {duration(row.median_seconds)}",
        f"{row.misses} runs, {row.hits} from the cache",
    )
    noon = datetime.combine(row.day, time(12), UTC)
    return Spot(noon, row.median_seconds, lines)


def _of_build(build: Build, step: Step) -> Spot:
    """Return the run of one build, which leads to it."""
    lines = (
        f"{duration(step.busy_seconds)} in one build",
        f"{build.ref_name} {build.revision[:9]}",
    )
    href = f"{build.get_absolute_url()}?tab=steps#step-{step.position}"
    return Spot(build.listed_at, step.busy_seconds, lines, href)


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
