"""Writes of services and builds."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.text import slugify

from buildinsights.copying import copy_rows
from buildkit.classification import classify
from buildkit.model import Build as DecodedBuild
from buildkit.model import BuildStatus
from builds import baselines, evidence
from builds.masking import mask_secrets, mask_values
from builds.models import Build, Service, Step, StepLog
from builds.partitions import ensure_partition, month_of
from builds.rows import (
    LOG_COLUMNS,
    STEP_COLUMNS,
    fitted,
    line_pairs,
    log_rows,
    moment,
    step_rows,
)
from builds.signals import build_deleted, build_recorded

SERVICE_LOCK = 0x7376  # the letters "sv": first key of the two-key advisory lock
OLDEST = timedelta(days=3660)
CLOCK_SKEW = timedelta(days=1)
ENDING = (
    "status",
    "completed_at",
    "failure_class",
    "failure_fingerprint",
    "failure_evidence",
    "failure_message",
)
"""What tells how a build ended, by its record or by whoever ran it."""


@dataclass(frozen=True, slots=True)
class BuildContext:
    """What the sender knows of a build beside BuildKit's own records; empty means not said."""

    variant: str = ""
    environment: str = ""
    repository_url: str = ""
    ref_name: str = ""
    revision: str = ""
    change_id: str = ""
    author: str = ""
    pipeline_name: str = ""
    pipeline_run_id: str = ""
    pipeline_run_url: str = ""
    trigger: str = ""
    cache_to: str = ""


def get_or_create_service(*, project_id: int, name: str) -> Service:
    """Return the service whose name makes that slug; create it at its first build."""
    slug = slugify(name)[:100] or "unnamed"
    service, _ = Service.objects.get_or_create(
        project_id=project_id, slug=slug, defaults={"name": name.strip()[:100]}
    )
    return service


def lock_service(service: Service) -> None:
    """Let one transaction at a time record builds of a service.

    So two pieces of one build cannot make two builds of it, and baselines see every build.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [SERVICE_LOCK, service.pk % 2**31])


@transaction.atomic(savepoint=False)
def record_build(
    *,
    service: Service,
    decoded: DecodedBuild,
    context: BuildContext,
    received_at: datetime | None = None,
    build: Build | None = None,
) -> Build:
    """Write a decoded build and everything below it; with ``build``, replace what it held.

    The same input gives the same rows however often it is recorded.
    """
    started = moment(decoded.started_ns)
    received_at = received_at or timezone.now()
    listed_at = plausible(started, received_at) or (build.listed_at if build else received_at)
    # Attaching a partition locks the table of builds: before, and not after, this writes to it.
    ensure_partition(month_of(listed_at))
    if build is not None:
        _lock_ending(build)
    identities = {step.identity for step in decoded.steps} | _recorded_identities(build)
    histories = baselines.load_histories(service.pk, identities)
    known_baselines = _baselines_before(histories, listed_at, build.pk if build else 0)
    values = {
        **_decoded_columns(decoded),
        **_ending_kept(decoded, build),
        **_context_columns(context, decoded, build),
        **asdict(baselines.cache_worth(decoded.steps, known_baselines)),
        "listed_at": listed_at,
        "steps_month": month_of(listed_at),
    }
    listed_before = build.listed_at if build else None
    if build is None:
        build = Build(project_id=service.project_id, service=service)
    else:
        _forget_details(build)
    for name, value in fitted(Build, values).items():
        setattr(build, name, value)
    build.save()
    steps = step_rows(build.pk, build.steps_month, decoded, known_baselines)
    copy_rows(Step._meta.db_table, STEP_COLUMNS, steps)  # noqa: SLF001
    copy_rows(StepLog._meta.db_table, LOG_COLUMNS, log_rows(build.pk, decoded))  # noqa: SLF001
    evidence.write_evidence(build, decoded)
    _learn(service, build, decoded, histories)
    build_recorded.send(sender=Build, build=build, listed_before=listed_before)
    return build


def plausible(started: datetime | None, received_at: datetime) -> datetime | None:
    """Return the start unless only a wrong clock explains it.

    Lists sort by it and each month has a partition, so neither may follow a wrong clock.
    """
    if started is None or not received_at - OLDEST < started < received_at + CLOCK_SKEW:
        return None
    return started


@transaction.atomic(savepoint=False)
def delete_build(build: Build) -> None:
    """Delete a build, and take what its steps took out of the histories of its service."""
    histories = baselines.load_histories(build.service_id, _recorded_identities(build))
    started = build.listed_at.timestamp()
    without = {
        name: history.with_run(started, build.pk, None) for name, history in histories.items()
    }
    baselines.save_changes(build.service_id, histories, without)
    build_deleted.send(sender=Build, build=build)
    build.delete()


def _recorded_identities(build: Build | None) -> set[str]:
    if build is None:
        return set()
    return set(Step.objects.of(build).values_list("identity", flat=True))


def _forget_details(build: Build) -> None:
    """Delete what hangs below a build that is about to be written again."""
    Step.objects.of(build).delete()
    StepLog.objects.filter(build_id=build.pk).delete()
    evidence.delete_evidence(build)


def _baselines_before(
    histories: Mapping[str, baselines.History], listed_at: datetime, build_id: int
) -> dict[str, float]:
    started = listed_at.timestamp()
    found = ((name, history.before(started, build_id)) for name, history in histories.items())
    return {name: seconds for name, seconds in found if seconds is not None}


def _learn(
    service: Service,
    build: Build,
    decoded: DecodedBuild,
    old: Mapping[str, baselines.History],
) -> None:
    """Set this build's executed durations in the histories that later builds are weighed by.

    What an earlier piece called executed, and all pieces together do not, is taken out again.
    """
    executed = baselines.executed_seconds(decoded.steps)
    started = build.listed_at.timestamp()
    histories = {name: old.get(name, baselines.History()) for name in executed.keys() | old.keys()}
    new = {
        name: history.with_run(started, build.pk, executed.get(name))
        for name, history in histories.items()
    }
    baselines.save_changes(service.pk, old, new)


def _decoded_columns(decoded: DecodedBuild) -> dict[str, Any]:
    image = next((image for image in decoded.images if image.size_bytes is not None), None)
    first = image or next(iter(decoded.images), None)
    return {
        "buildkit_ref": decoded.buildkit_ref,
        "builder": decoded.builder,
        "target": decoded.target,
        "platforms": list(decoded.platforms),
        "status": decoded.status.value,
        "frontend": decoded.frontend,
        "frontend_attrs": mask_values(decoded.frontend_attrs),
        "build_args": mask_values(decoded.build_args),
        "labels": mask_values(decoded.labels),
        "started_at": moment(decoded.started_ns),
        "completed_at": moment(decoded.completed_ns),
        **asdict(decoded.timing),
        **asdict(decoded.cache),
        "image_digest": decoded.images[0].digest if decoded.images else "",
        "image_bytes": first.size_bytes if first else None,
        "has_provenance": decoded.has_provenance,
        "builder_platform": decoded.builder_platform,
        "problems": [asdict(problem) for problem in decoded.problems],
        "trace": asdict(decoded.trace) if decoded.trace else None,
        **_failure_columns(decoded),
    }


def _failure_columns(decoded: DecodedBuild) -> dict[str, Any]:
    failure = decoded.failure
    if failure is None:
        return {
            "failure_class": "",
            "failure_evidence": "",
            "failure_fingerprint": "",
            "failure_step": None,
            "failure_vertex": "",
            "failure_message": "",
            "failure_filename": "",
            "failure_lines": [],
        }
    step = next((s for s in decoded.steps if s.vertex_digest == failure.vertex_digest), None)
    verdict = classify(failure, decoded.status, step)
    return {
        "failure_class": verdict.failure_class.value,
        "failure_evidence": mask_secrets(verdict.evidence),
        "failure_fingerprint": verdict.fingerprint,
        "failure_step": step.position if step else None,
        "failure_vertex": failure.vertex_digest,
        "failure_message": mask_secrets(failure.message),
        "failure_filename": failure.filename,
        "failure_lines": line_pairs(failure.ranges),
    }


def _lock_ending(build: Build) -> None:
    """Read how a build ended, if it did, and let nobody else end it until this is written."""
    locked = Build.objects.select_for_update(no_key=True)
    build.refresh_from_db(fields=ENDING, from_queryset=locked)


def _ending_kept(decoded: DecodedBuild, build: Build | None) -> dict[str, Any]:
    """An ended build stays so if its pieces do not tell the end: whoever ended it knew more."""
    if build is None or not build.is_final or decoded.status is not BuildStatus.RUNNING:
        return {}
    return {name: getattr(build, name) for name in ENDING}


def _context_columns(
    context: BuildContext, decoded: DecodedBuild, build: Build | None
) -> dict[str, str]:
    """What the sender says wins; then what an earlier piece said; then what BuildKit recorded."""
    recorded = {"repository_url": decoded.repository_url, "revision": decoded.revision}
    columns = {
        name: said or (getattr(build, name) if build else "") or recorded.get(name, "")
        for name, said in asdict(context).items()
    }
    addresses = ("repository_url", "pipeline_run_url", "cache_to")
    return columns | {name: mask_secrets(columns[name]) for name in addresses}
