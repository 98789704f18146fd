"""Writes of payloads: accept, replay, dismiss."""

from dataclasses import dataclass

import structlog
from django.db import transaction
from django.db.models.functions import Now

from accounts.models import ApiToken, User
from audit.services import SYSTEM, record, record_soon
from ingest.exceptions import IdempotencyConflictError, NotReplayableError
from ingest.models import IngestPayload
from ingest.querysets import IngestPayloadQuerySet
from ingest.storing import facts_of, insert_new
from ingest.uploads import Upload, identity_of, pack

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Accepted:
    """A stored payload; ``duplicate`` if it was there before."""

    payload: IngestPayload
    duplicate: bool


def accept_upload(
    *,
    project_id: int,
    actor: ApiToken | User | None,
    upload: Upload,
    idempotency_key: str = "",
) -> Accepted:
    """Store an upload as it came; the same bytes again give the first receipt.

    Without an ``actor`` it is the server's own.

    Raises:
        IdempotencyConflictError: the key came before with other bytes.
    """
    contents, body = pack(upload.parts)
    sha256 = identity_of(upload, contents)
    payload = IngestPayload(
        project_id=project_id,
        token=actor if isinstance(actor, ApiToken) else None,
        user=actor if isinstance(actor, User) else None,
        kind=upload.kind,
        sha256=sha256,
        idempotency_key=idempotency_key,
        fields=upload.fields,
        parts=contents,
        body=body,
        size_bytes=upload.size_bytes,
    )
    if not insert_new(payload, actor or SYSTEM):
        earlier = _earlier(project_id, upload.kind, sha256, idempotency_key)
        record_soon(
            actor=actor or SYSTEM,
            action="payload.repeated",
            target=earlier,
            project=earlier.project,
            changes=facts_of(earlier),
        )
        return Accepted(earlier, duplicate=True)
    log.info("payload_accepted", payload_id=str(payload.public_id), size_bytes=upload.size_bytes)
    return Accepted(payload, duplicate=False)


def _earlier(project_id: int, kind: str, sha256: str, idempotency_key: str) -> IngestPayload:
    """Return the payload of the same bytes, which takes the key if it came without one."""
    known = IngestPayload.objects.without_body().filter(project_id=project_id)
    same_bytes = known.filter(kind=kind, sha256=sha256).first()
    if same_bytes is None:
        raise IdempotencyConflictError
    if idempotency_key and same_bytes.idempotency_key != idempotency_key:
        if known.filter(idempotency_key=idempotency_key).exists():
            raise IdempotencyConflictError
        known.filter(pk=same_bytes.pk, idempotency_key="").update(idempotency_key=idempotency_key)
    return same_bytes


@transaction.atomic
def replay_payload(*, payload: IngestPayload, actor: ApiToken | User) -> None:
    """Put a failed payload back to the start; the caller enqueues it.

    Raises:
        NotReplayableError: it has not failed.
    """
    _change_failed(payload, state="received", attempts=0, errors=[], dismissed_at=None)
    record(actor=actor, action="payload.replayed", target=payload, project=payload.project)


@transaction.atomic
def digest_again(payloads: IngestPayloadQuerySet) -> list[IngestPayload]:
    """Put settled payloads back to the start: what they waited for has come.

    The caller enqueues those that are returned; one that is locked is digested just now.
    """
    settled = payloads.filter(state=IngestPayload.State.DONE).without_body().order_by("pk")
    rows = list(settled.select_for_update(of=("self",), skip_locked=True))
    for payload in rows:
        payload.state, payload.attempts = IngestPayload.State.RECEIVED, 0
    IngestPayload.objects.bulk_update(rows, ["state", "attempts"])
    return rows


@transaction.atomic
def dismiss_payload(*, payload: IngestPayload, actor: ApiToken | User) -> None:
    """Take a failed payload off the list of what waits for somebody.

    Raises:
        NotReplayableError: it has not failed.
    """
    _change_failed(payload, dismissed_at=Now())
    record(actor=actor, action="payload.dismissed", target=payload, project=payload.project)


def _change_failed(payload: IngestPayload, **values: object) -> None:
    changed = IngestPayload.objects.filter(pk=payload.pk, state="failed").update(**values)
    if not changed:
        raise NotReplayableError
