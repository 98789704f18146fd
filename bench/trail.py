"""The audit trail: what it costs uploads, appending, exporting in constant memory, and proving."""

import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

from django.db import connection, transaction
from psycopg import sql

from accounts.models import Project, User
from audit.appending import append_pending_of, note_from, note_values
from audit.checkpoints import signer
from audit.models import PendingEvent
from audit.services import act_of, chain_name, record
from bench.digest import accept
from bench.report import report, seconds
from evidence import verify_trail
from ingest import storing
from ingest.digest import digest_payload

SIZES = {"small": 20_000, "medium": 200_000, "full": 1_000_000}
UPLOADS = {"small": 60, "medium": 200, "full": 500}
WARM_UP = 5
ONE_BY_ONE = 500
RUNS = 3
"""Of the verifier; the best counts."""
MOST_OF_INGEST = 1.15
VERIFIED = 100_000
"""Events a second that the verifier is meant to prove."""
MOST_GROWN_MB = 8.0
"""By which exporting ten times as much may grow a process: what allocators need to settle."""


def run(project: Project, user: User, size: str) -> None:
    """Print ``audit_ingest``, ``audit_append``, ``audit_export`` and ``audit_verify``."""
    ingest(project, user, UPLOADS[size])
    append(project, user, SIZES[size])
    with tempfile.TemporaryDirectory() as directory:
        verify(*export(project, user, Path(directory)))


def ingest(project: Project, user: User, count: int) -> None:
    """Upload and digest builds with the trail and without it, in turn."""
    chain = chain_name(project)

    def upload(number: int) -> None:
        digest_payload(accept(project, user, number))

    def upload_unnoted(number: int) -> None:
        with without_trail():
            upload(number)

    pairs = [
        (seconds(partial(upload, 2 * n)), seconds(partial(upload_unnoted, 2 * n + 1)))
        for n in range(count + WARM_UP)
    ][WARM_UP:]
    noted = PendingEvent.objects.filter(chain=chain).count()
    if noted != count + WARM_UP:
        raise RuntimeError("each upload with the trail notes one event, the others none")
    appending = seconds(lambda: append_pending_of(chain)) / noted
    value, floor = median(pair[0] for pair in pairs) + appending, median(pair[1] for pair in pairs)
    report(
        "audit_ingest",
        value=value,
        floor=floor,
        unit="s an upload",
        target=f"ratio <= {MOST_OF_INGEST}",
        ok=value <= MOST_OF_INGEST * floor,
        floor_is="the same without the trail",
        appending_seconds=round(appending, 6),
    )


@contextmanager
def without_trail() -> Iterator[None]:
    """Let uploads be stored by the same statement, and nothing be noted of them."""
    plain = storing.STORE + sql.SQL(" SELECT id, received_at FROM stored")
    with (
        patch.object(storing, "insert", lambda: plain),
        patch.object(storing, "act_of", lambda **_: None),
        patch.object(storing, "note_values", lambda *_: []),
    ):
        yield


def append(project: Project, user: User, count: int) -> None:
    """Append events as acts of people are, one a transaction; then many at once."""
    single = ONE_BY_ONE / seconds(lambda: append_one_by_one(project, user))
    note(project, user, count)
    batch = count / seconds(lambda: append_pending_of(chain_name(project)))
    report(
        "audit_append",
        value=batch,
        floor=single,
        unit="events/s",
        target="ratio >= 5",
        ok=batch >= 5 * single,
        floor_is="one event a transaction",
        events=count,
    )


def append_one_by_one(project: Project, user: User) -> None:
    """Append events, each in its own transaction."""
    for _ in range(ONE_BY_ONE):
        with transaction.atomic():
            record(actor=user, action="bench.done", target=project, project=project)


def note(project: Project, user: User, count: int) -> None:
    """Let events wait, as uploads leave them."""
    facts = {"kind": "buildkit", "sha256": "0" * 64, "size_bytes": 100_000}
    act = act_of(
        actor=user, action="payload.received", target=project, project=project, changes=facts
    )
    with connection.cursor() as cursor:
        cursor.execute(note_from(f"generate_series(1, {count})", {}), note_values(act))
        cursor.execute("ANALYZE audit_pendingevent")


def export(project: Project, user: User, directory: Path) -> tuple[Path, Path]:
    """Let a fresh process write a tenth of the trail, then all of it; return both files."""
    files = directory / "tenth.jsonl", directory / "whole.jsonl"
    command = [sys.executable, "-m", "bench.exporting", str(project.pk), str(user.pk)]
    told = subprocess.run([*command, *map(str, files)], check=True, stdout=subprocess.PIPE)
    found: dict[str, Any] = json.loads(told.stdout)
    report(
        "audit_export",
        value=found["whole_mb"],
        floor=found["tenth_mb"],
        unit="MB of the process",
        target=f"grows by <= {MOST_GROWN_MB:g} MB",
        ok=found["whole_mb"] - found["tenth_mb"] <= MOST_GROWN_MB,
        floor_is="a tenth of the same trail",
        events=found["events"],
        events_per_second=round(found["events"] / found["seconds"]),
        file_mb=round(files[1].stat().st_size / 1e6, 1),
    )
    return files


def verify(tenth: Path, whole: Path) -> None:
    """Prove both files as an auditor does: between them lies what an event costs."""
    less, more = _lines(tenth), _lines(whole)
    begin = min(_verify(tenth) for _ in range(RUNS))
    end = min(_verify(whole) for _ in range(RUNS))
    rate = (more - less) / (end - begin)
    report(
        "audit_verify",
        value=rate,
        floor=VERIFIED,
        unit="events/s",
        target="ratio >= 1",
        ok=rate >= VERIFIED,
        floor_is="what is wanted of one core",
        cpu_seconds_in_all=round(end, 3),
        events=more,
    )


def _verify(path: Path) -> float:
    """Return the seconds of a core that it takes."""
    key = signer()
    if key is None:
        raise RuntimeError("the benchmark's own server has a key")
    command = [sys.executable, verify_trail.__file__, str(path), "--fingerprint", key.key_id]
    before = _of_children()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return _of_children() - before


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)
