"""The audit trail: appending, exporting in constant memory, and proving an export."""

import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from django.db import transaction
from django.test.utils import override_settings

from accounts.models import Project, User
from audit.appending import append_pending_of
from audit.checkpoints import signer
from audit.models import AuditEvent, PendingEvent
from audit.services import act_of, chain_name, record
from audit.signing import make_key_file
from bench.report import report, seconds
from evidence import verify_trail
from evidence.exports.proof import proof_of
from evidence.exports.selection import begin_export
from evidence.filters import TrailFilter

SIZES = {"small": 50_000, "medium": 200_000, "full": 1_000_000}
ONE_BY_ONE = 2000
TARGET = 100_000
"""Events a second that the verifier is meant to prove."""


def note(project: Project, user: User, count: int) -> None:
    """Let events wait, as uploads leave them."""
    facts = {"kind": "buildkit", "sha256": "0" * 64, "size_bytes": 100_000}
    act = act_of(
        actor=user, action="payload.received", target=project, project=project, changes=facts
    )
    values = {
        field.attname: getattr(act, field.attname)
        for field in PendingEvent._meta.concrete_fields  # noqa: SLF001
        if field.name != "id"
    }
    PendingEvent.objects.bulk_create((PendingEvent(**values) for _ in range(count)), 5000)


def append_one_by_one(project: Project, user: User) -> None:
    """Append as acts of people are: one a transaction."""
    for _ in range(ONE_BY_ONE):
        with transaction.atomic():
            record(actor=user, action="bench.done", target=project, project=project)


def export(project: Project, user: User, path: Path) -> float:
    """Write the trail; return by how many MB the process has grown over that."""
    events = AuditEvent.objects.filter(chain=chain_name(project))
    selection = begin_export(
        project=project, filters=TrailFilter({}, queryset=events), actor=user, form="jsonl"
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with path.open("wb") as file:
        file.writelines(proof_of(selection))
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def verify(path: Path) -> None:
    """Prove the export, as an auditor does."""
    key = signer()
    assert key is not None  # it was made for this
    command = [sys.executable, verify_trail.__file__, str(path), "--fingerprint", key.key_id]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def run(project: Project, user: User, size: str) -> None:
    """Print ``audit_append``, ``audit_export`` and ``audit_verify``."""
    count = SIZES[size]
    with tempfile.TemporaryDirectory() as directory:
        key = Path(directory) / "key.pem"
        make_key_file(key)
        with override_settings(AUDIT_SIGNING_KEY_FILE=str(key)):
            _run(project, user, count, Path(directory) / "trail.jsonl")


def _run(project: Project, user: User, count: int, path: Path) -> None:
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
    )
    begun = perf_counter()
    grown = export(project, user, path)
    report(
        "audit_export",
        value=count / (perf_counter() - begun),
        floor=0,
        unit="events/s",
        target="grows by less than 100 MB",
        ok=grown < 100,
        grown_mb=round(grown, 1),
        file_mb=round(path.stat().st_size / 1e6, 1),
    )
    rate = count / seconds(lambda: verify(path))
    report(
        "audit_verify",
        value=rate,
        floor=TARGET,
        unit="events/s",
        target="ratio >= 1",
        ok=rate >= TARGET,
        floor_is="what is wanted of one core",
    )
