"""Summaries over many builds."""

from collections.abc import Sequence
from typing import Any

from builds.models import Build, Service, Step
from builds.querysets import USUAL_BUILDS
from builds.usual import known_median

HISTORY_BUILDS = 60
"""How many past builds a service's page shows as a series."""


def service_page(service: Service) -> dict[str, Any]:
    """Return the context of a service's page: its last builds, and the steps that cost most."""
    builds = list(
        Build.objects.filter(service=service)
        .select_related("project", "service")
        .newest_first()[:HISTORY_BUILDS]
    )
    return {
        "service": service,
        "builds": builds[:USUAL_BUILDS],
        "history": builds,
        "summary": summarise(builds),
        "costly_steps": costly_steps(builds[:USUAL_BUILDS]),
    }


def costly_steps(builds: Sequence[Build], most: int = 10) -> list[dict[str, Any]]:
    """Return the steps on which those builds spent most executed time, most first."""
    rows = Step.objects.filter(
        build_id__in=[build.pk for build in builds],
        month__in={build.steps_month for build in builds},
        state="executed",
    ).values_list("identity", "name", "stage", "platform", "busy_seconds", "critical")
    totals: dict[str, dict[str, Any]] = {}
    for identity, name, stage, platform, seconds, critical in rows:
        entry = totals.setdefault(
            identity,
            {"name": name, "stage": stage, "platform": platform}
            | {"seconds": 0.0, "runs": 0, "critical_runs": 0},
        )
        entry["seconds"] += seconds
        entry["runs"] += 1
        entry["critical_runs"] += critical
    ranked = sorted(totals.values(), key=lambda entry: -entry["seconds"])[:most]
    return [entry for entry in ranked if entry["seconds"] > 0]


def summarise(builds: Sequence[Build]) -> dict[str, Any]:
    """Return medians and ratios over the last builds, against as many before them.

    ``builds`` are newest first. Times count succeeded builds only; the hit ratio is Σ cached ÷
    Σ cacheable over finished ones.
    """
    recent, before = builds[:USUAL_BUILDS], builds[USUAL_BUILDS : 2 * USUAL_BUILDS]
    wall, wall_before = _wall_median(recent), _wall_median(before)
    finished = [build for build in recent if build.is_final]
    cacheable = sum(build.cacheable_steps for build in finished)
    cached = sum(build.cacheable_cached for build in finished)
    succeeded = sum(build.status == Build.Status.SUCCEEDED for build in finished)
    return {
        "sample": len(recent),
        "latest": recent[0] if recent else None,
        "wall_seconds": wall,
        "wall_before_seconds": wall_before,
        "wall_change_ratio": (wall - wall_before) / wall_before if wall and wall_before else None,
        "success_ratio": succeeded / len(finished) if finished else None,
        "finished": len(finished),
        "succeeded": succeeded,
        "cacheable_steps": cacheable,
        "cacheable_cached": cached,
        "hit_ratio_steps": cached / cacheable if cacheable else None,
        "image_bytes": next((b.image_bytes for b in recent if b.image_bytes is not None), None),
    }


def _wall_median(builds: Sequence[Build]) -> float | None:
    return known_median(
        [build.wall_seconds for build in builds if build.status == Build.Status.SUCCEEDED]
    )
