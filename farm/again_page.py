"""What to do after a build: its attempts, whether trying again helps, and how to reproduce it."""

from typing import Any

from django.db.models import Count, Q

from builds.models import Build, Step
from farm.commands import debugging_command, reproducing_command
from farm.models import BuildRequest, Source

SHOWN_ATTEMPTS = 10


def again_page(build: Build) -> dict[str, Any]:
    """Return the context of the part; without a request, the build came from elsewhere."""
    request = (
        BuildRequest.objects.filter(pk=build.pk)
        .select_related("build", "source__service", "retry_of__build__project")
        .first()
    )
    if request is None:
        has_source = Source.objects.filter(service_id=build.service_id).exists()
        return {"build": build, "request": None, "has_source": has_source}
    failed = build.status in {Build.Status.FAILED, Build.Status.LOST}
    return {
        "build": build,
        "request": request,
        "later": _later(request),
        "helped": retries_of_like(build) if failed else None,
        "command": reproducing_command(request),
        "debugging": debugging_command(request) if build.failure_lines else "",
        "stages": stages_of(build),
    }


def retries_of_like(build: Build) -> dict[str, int]:
    """Return how many retries of failures like this one ended, and how many of them succeeded.

    Alike is the same fingerprint, or the same class where there is none.
    """
    alike = (
        {"retry_of__build__failure_fingerprint": build.failure_fingerprint}
        if build.failure_fingerprint
        else {
            "retry_of__build__status": build.status,
            "retry_of__build__failure_class": build.failure_class,
        }
    )
    ended = BuildRequest.objects.filter(
        project_id=build.project_id, state=BuildRequest.State.ENDED, **alike
    )
    succeeded = Q(build__status=Build.Status.SUCCEEDED)
    return ended.aggregate(tried=Count("pk"), succeeded=Count("pk", filter=succeeded))


def stages_of(build: Build) -> list[str]:
    """Return the stages by name: what a build without cache can begin from."""
    stages = Step.objects.of(build).exclude(stage="").order_by("stage")
    return list(stages.values_list("stage", flat=True).distinct())


def _later(request: BuildRequest) -> list[BuildRequest]:
    later = request.retries.select_related("build__project").order_by("pk")
    return list(later[:SHOWN_ATTEMPTS])
