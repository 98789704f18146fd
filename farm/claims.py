"""Which worker has which request: the next one, heartbeats, and what dead workers left.

Claims are taken one after the other behind an advisory lock: they are short, and only so can slots
be counted exactly. Whatever else changes requests goes on meanwhile (``queueing.lock_queue``), so a
claim takes only what is still ready.
"""

import os
import socket
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Count, F, Q
from django.db.models.functions import Now

from builds.models import Build
from farm.models import Builder, BuildRequest

CLAIM_LOCK = 0x6661726D  # the letters "farm"
SILENT_AFTER = timedelta(seconds=40)
"""Without a heartbeat for so long, a worker is gone; it beats every two seconds."""

NEXT = """
SELECT head.build_id
FROM accounts_project AS project
CROSS JOIN unnest(%s::bigint[]) AS free (builder_id)
CROSS JOIN LATERAL (
    SELECT build_id, priority FROM farm_buildrequest
    WHERE state = 'ready' AND project_id = project.id AND builder_id = free.builder_id
        AND (not_before IS NULL OR not_before <= statement_timestamp())
    ORDER BY priority DESC, build_id
    LIMIT 1
) AS head
ORDER BY
    (SELECT count(*) FROM farm_buildrequest
     WHERE state = 'running' AND project_id = project.id),
    (SELECT max(claimed_at) FROM farm_buildrequest
     WHERE project_id = project.id) NULLS FIRST,
    head.priority DESC, head.build_id
LIMIT 1
"""
"""The head of each project's queue; first the project that runs least, then who waited longest."""


def worker_name() -> str:
    """Return host and process."""
    return f"{socket.gethostname()}:{os.getpid()}"


@transaction.atomic
def claim(worker: str, queue: str = "builds") -> BuildRequest | None:
    """Take the next request that a builder of ``queue`` has a slot for, if there is one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s::bigint)", [CLAIM_LOCK])
    builders = free_builders(queue)
    while (pk := _next(builders)) is not None:
        if _take(pk, worker):
            requests = BuildRequest.objects.select_related("build__service", "source", "builder")
            request: BuildRequest = requests.get(pk=pk)
            return request
    return None


def _next(builders: list[int]) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(NEXT, [builders])
        row = cursor.fetchone()
    return row[0] if row else None


def _take(pk: int, worker: str) -> bool:
    """Make a ready request run; false if it was canceled, or has to wait, since it was found."""
    ready = BuildRequest.objects.filter(pk=pk, state=BuildRequest.State.READY)
    taken = ready.update(
        state=BuildRequest.State.RUNNING, worker=worker, claimed_at=Now(), heartbeat_at=Now()
    )
    if taken:
        queued = Build.objects.filter(pk=pk, status=Build.Status.QUEUED)
        queued.update(status=Build.Status.RUNNING, started_at=Now())
    return bool(taken)


def free_builders(queue: str) -> list[int]:
    """Return the builders that have a free slot, of those that the workers of a queue know."""
    running = Count("requests", filter=Q(requests__state=BuildRequest.State.RUNNING))
    builders = Builder.objects.filter(queue=queue, is_enabled=True).annotate(running=running)
    return list(builders.filter(running__lt=F("slots")).order_by().values_list("pk", flat=True))


def beat(request: BuildRequest) -> tuple[bool, datetime | None]:
    """Say that the worker lives; tell whether it still has the request, and if it is to cancel."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE farm_buildrequest SET heartbeat_at = statement_timestamp()"
            " WHERE build_id = %s AND state = 'running' AND worker = %s"
            " RETURNING cancel_requested_at",
            [request.pk, request.worker],
        )
        row = cursor.fetchone()
    return row is not None, row[0] if row else None


def silent_requests() -> list[BuildRequest]:
    """Return what workers had that have not been heard of."""
    silent = BuildRequest.objects.filter(
        state=BuildRequest.State.RUNNING, heartbeat_at__lt=Now() - SILENT_AFTER
    )
    return list(silent.select_related("build__project", "source"))
