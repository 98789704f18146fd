"""How requests end: what waits for them goes on or is skipped, transient failures go again."""

import random
from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from audit.services import SYSTEM
from buildkit.classification import classify
from buildkit.failure_classes import TRANSIENT, FailureClass
from buildkit.model import BuildStatus, Failure
from builds.masking import mask_secrets
from builds.models import Build
from farm.models import BuildRequest, LiveBuild, Source
from farm.notices import announce
from farm.queueing import retry, wake_workers

FIRST_PAUSE_SECONDS = 5.0
"""Before the first automatic retry; each later one waits twice as long, give or take a half."""


@transaction.atomic
def finish(
    request: BuildRequest,
    status: Build.Status | None = None,
    failure_class: FailureClass | None = None,
    message: str = "",
) -> None:
    """End a request. With a status, its build ends so; else as it was recorded.

    What waits for it goes on, or is skipped; a transient failure is tried again by itself.
    """
    changed = (
        BuildRequest.objects.filter(pk=request.pk)
        .exclude(state=BuildRequest.State.ENDED)
        .update(state=BuildRequest.State.ENDED, ended_at=Now())
    )
    if not changed:
        return
    if status is not None:
        _end_build(request, status, failure_class, message)
    LiveBuild.objects.filter(request=request).delete()
    build = Build.objects.select_related("project").get(pk=request.pk)
    again = _retry_by_itself(request, build)
    if again is not None:
        for dependent in request.needed_by.filter(state=BuildRequest.State.WAITING):
            dependent.needs.remove(request)
            dependent.needs.add(again)
        return
    announce(request, build)
    _release_dependents(request, build)


def _end_build(
    request: BuildRequest,
    status: Build.Status,
    failure_class: FailureClass | None,
    message: str,
) -> None:
    words = mask_secrets(message)
    verdict = classify(Failure(words), BuildStatus.FAILED, None)
    values: dict[str, object] = {"status": status}
    if words:
        values |= {
            "failure_class": (failure_class or verdict.failure_class).value,
            "failure_fingerprint": verdict.fingerprint,
            "failure_evidence": verdict.evidence,
            "failure_message": words,
        }
    builds = Build.objects.filter(pk=request.pk)
    builds.update(**values)
    builds.filter(completed_at__isnull=True).update(completed_at=Now())


def _retry_by_itself(request: BuildRequest, build: Build) -> BuildRequest | None:
    """Queue another attempt after a transient failure, as often as the source allows."""
    transient = {item.value for item in TRANSIENT}
    if build.status != Build.Status.FAILED or build.failure_class not in transient:
        return None
    source = Source.objects.get(pk=request.source_id)
    if request.attempt > source.retries:
        return None
    not_before = timezone.now() + pause_before(request.attempt)
    return retry(build=build, actor=SYSTEM, not_before=not_before)


def pause_before(attempt: int) -> timedelta:
    """Return how long to wait after that attempt: twice as long each time, with jitter."""
    jitter = random.uniform(0.5, 1.5)  # noqa: S311  # spreads load, hides nothing
    return timedelta(seconds=FIRST_PAUSE_SECONDS * 2 ** (attempt - 1) * jitter)


def _release_dependents(request: BuildRequest, build: Build) -> None:
    waiting = request.needed_by.filter(state=BuildRequest.State.WAITING)
    if build.status == Build.Status.SUCCEEDED:
        for dependent in waiting.select_related("builder"):
            if not dependent.needs.exclude(state=BuildRequest.State.ENDED).exists():
                BuildRequest.objects.filter(pk=dependent.pk).update(state=BuildRequest.State.READY)
                wake_workers(dependent.builder.queue)
        return
    ended = build.get_status_display().lower()
    words = f"Skipped: {request.source.service.name}, which it needs, ended as {ended}."
    for dependent in waiting.select_related("build__project", "source__service"):
        finish(dependent, Build.Status.CANCELED, FailureClass.CANCELED, words)


def lose(request: BuildRequest) -> None:
    """End what a dead worker had."""
    heard = f"{request.heartbeat_at:%H:%M:%S} UTC"
    words = f"The worker is gone: {request.worker} was last heard of at {heard}."
    finish(request, Build.Status.LOST, FailureClass.BUILDER_LOST, words)
