"""The part of a build's page that follows it while it is queued or runs.

Whatever the number of watchers, each process reads a build's live row once a second: what they are
shown is kept for that long.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.cache import cache
from django.template.loader import render_to_string

from builds.models import Build
from farm.estimates import usual_key, usual_seconds
from farm.models import BuildRequest
from farm.queue_page import elapsed_seconds

KEPT_SECONDS = 1
USUAL_KEPT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Shown:
    """What watchers are shown, and the build's status with it; a final one shows nothing."""

    status: str
    is_final: bool
    html: str

    def has_moved_on_from(self, seen: str) -> bool:
        """Tell whether a page that was made at the status ``seen`` is out of date.

        What is kept may be a second older than the page, and then it is not.
        """
        begun = seen == Build.Status.QUEUED and self.status == Build.Status.RUNNING
        return self.is_final or begun


def live_view(public_id: UUID) -> Shown:
    """Return what was rendered for anybody in the last second."""
    key = f"farm:live:{public_id}"
    kept: Shown | None = cache.get(key)
    if kept is None:
        build = Build.objects.select_related("project", "service").get(public_id=public_id)
        html = "" if build.is_final else render_to_string("farm/_live.html", live_context(build))
        kept = Shown(build.status, build.is_final, html)
        cache.set(key, kept, KEPT_SECONDS)
    return kept


def live_context(build: Build) -> dict[str, Any]:
    """Return the state, the steps that run and ran last, the log's end, and the expected share."""
    request = (
        BuildRequest.objects.filter(pk=build.pk)
        .select_related("live", "build", "builder", "source")
        .prefetch_related("needs__build__service")
        .first()
    )
    if request is None:
        return {"build": build, "request": None}
    live = getattr(request, "live", None)
    lasts = _usual(build)
    elapsed = elapsed_seconds(request)
    return {
        "build": build,
        "request": request,
        "shown": live.shown if live else None,
        "elapsed_seconds": elapsed,
        "lasts_seconds": lasts,
        "share": min(0.99, elapsed / lasts) if lasts else None,
        "before": _before(request),
    }


def _usual(build: Build) -> float | None:
    key = f"farm:usual:{build.pk}"
    kept = cache.get(key)
    if kept is None:
        kept = usual_seconds([build]).get(usual_key(build), 0.0)
        cache.set(key, kept, USUAL_KEPT_SECONDS)
    return float(kept) or None


def _before(request: BuildRequest) -> int:
    """Return how many queued requests of the project go first."""
    if request.state != BuildRequest.State.READY:
        return 0
    queued = BuildRequest.objects.filter(
        project_id=request.project_id, builder_id=request.builder_id, state=request.state
    )
    higher = queued.filter(priority__gt=request.priority).count()
    return higher + queued.filter(priority=request.priority, pk__lt=request.pk).count()
