"""The page of what runs and what waits."""

from typing import Any

from django.utils import timezone

from accounts.models import Project
from farm.estimates import Place, places, usual_key, usual_seconds
from farm.models import Builder, BuildRequest

SHOWN = 12
"""Requests of the queue that are shown: the page costs the same however long the queue is."""

_RELATED = ("build__service", "build__project", "builder")
_READ = (
    "state",
    "requested_by",
    "claimed_at",
    "builder__name",
    "builder__slots",
    *(f"build__{name}" for name in ("public_id", "ref_name", "trigger", "variant", "environment")),
    "build__service__name",
    "build__project__slug",
)
"""What a row shows: builds are wide, and a queue is looked at every two seconds."""


def queue_page(project: Project) -> dict[str, Any]:
    """Return what runs, the head of the queue with expected starts, and the builders."""
    requests = BuildRequest.objects.filter(project=project).select_related(*_RELATED).only(*_READ)
    running = list(requests.running().prefetch_related("live").order_by("claimed_at"))
    queued = list(requests.queued().in_turn()[: SHOWN + 1])
    usual = usual_seconds(request.build for request in [*running, *queued])
    return {
        "running": [_running_row(request, usual) for request in running],
        "queued": _places(queued[:SHOWN], running, usual),
        "more_queued": len(queued) > SHOWN,
        "builders": Builder.objects.all(),
    }


def _running_row(request: BuildRequest, usual: dict[tuple[int, str, str], float]) -> dict[str, Any]:
    lasts = usual.get(usual_key(request.build))
    elapsed = elapsed_seconds(request)
    return {
        "request": request,
        "build": request.build,
        "elapsed_seconds": elapsed,
        "lasts_seconds": lasts,
        "share": min(0.99, elapsed / lasts) if lasts else None,
    }


def elapsed_seconds(request: BuildRequest) -> float:
    """Return how long a worker has had the request."""
    if request.claimed_at is None:
        return 0.0
    return max(0.0, (timezone.now() - request.claimed_at).total_seconds())


def _places(
    queued: list[BuildRequest],
    running: list[BuildRequest],
    usual: dict[tuple[int, str, str], float],
) -> list[Place]:
    """Return the places on each builder, in the order of the queue."""
    found: dict[int, Place] = {}
    for builder in {request.builder for request in queued}:
        left = [
            max(0.0, lasts - elapsed_seconds(request))
            if (lasts := usual.get(usual_key(request.build))) is not None
            else None
            for request in running
            if request.builder_id == builder.pk
        ]
        mine = [request for request in queued if request.builder_id == builder.pk]
        found |= {place.request.pk: place for place in places(mine, left, builder.slots, usual)}
    return [found[request.pk] for request in queued]
