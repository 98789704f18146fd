"""From a stored payload to builds."""

from collections.abc import Callable
from dataclasses import dataclass

import structlog
from django.db import IntegrityError, OperationalError, transaction
from django.utils import timezone

from buildkit.errors import ParseError
from buildkit.model import Build as DecodedBuild
from buildkit.reading import read_builds
from buildkit.shift import shifted
from builds.models import Build, Service
from builds.rows import NANOSECONDS
from builds.services import BuildContext, get_or_create_service, lock_service, record_build
from ingest.claims import MAX_ATTEMPTS, claim, hold
from ingest.models import IngestPayload, PayloadKind
from ingest.pieces import find_build, find_by_ref, link, united
from ingest.sbom import digest_sbom
from ingest.schemas import BuildKitFields, FieldsError, parse_fields
from ingest.trivy import digest_trivy
from ingest.uploads import Part, limits, plain, unpack
from ingest.vex import digest_vex

log = structlog.get_logger(__name__)


def digest_payload(payload_id: int) -> IngestPayload | None:
    """Digest a payload that waits; return it, or ``None`` if there is nothing to do.

    Whatever goes wrong is noted on the payload, which can then be replayed.
    """
    payload = claim(payload_id)
    if payload is None:
        return None
    with structlog.contextvars.bound_contextvars(payload_id=str(payload.public_id)):
        try:
            with transaction.atomic():
                if not hold(payload):
                    return None
                DIGESTERS[PayloadKind(payload.kind)](payload)
                _settle(payload, IngestPayload.State.DONE, [])
        except ParseError as error:
            _settle(payload, IngestPayload.State.FAILED, [error])
        except FieldsError as error:
            _settle(payload, IngestPayload.State.FAILED, error.errors)
        except (OperationalError, IntegrityError) as error:
            _retry(payload, error)
        except Exception as error:
            _give_up(payload, error)
    return payload


def _retry(payload: IngestPayload, error: Exception) -> None:
    """Leave to the sweep what lost to another worker (a deadlock, the same new row at once)."""
    if payload.attempts >= MAX_ATTEMPTS:
        _give_up(payload, error)
        return
    log.warning("payload_put_back", exc_info=error)
    payload.state = IngestPayload.State.RECEIVED
    IngestPayload.objects.filter(pk=payload.pk).update(state=payload.state)


def _give_up(payload: IngestPayload, error: Exception) -> None:
    log.error("payload_digest_crashed", exc_info=error)
    crash = ParseError("digest", "An error of ours; it is in the server's log.")
    _settle(payload, IngestPayload.State.FAILED, [crash])


def _settle(payload: IngestPayload, state: str, errors: list[ParseError]) -> None:
    payload.state, payload.digested_at = state, timezone.now()
    payload.errors = [{"path": error.path, "message": error.message} for error in errors]
    IngestPayload.objects.filter(pk=payload.pk).update(
        state=state, errors=payload.errors, digested_at=payload.digested_at
    )
    if errors:
        log.warning("payload_failed", errors=payload.errors[:5])


@dataclass(frozen=True, slots=True)
class Piece:
    """One decoded build of a payload, with what the payload says of it."""

    decoded: DecodedBuild
    context: BuildContext
    service: Service


def _digest_buildkit(payload: IngestPayload) -> None:
    fields = parse_fields(payload.fields)
    parts = unpack(payload.parts, payload.body)
    pieces = [
        Piece(decoded, _context(fields), _service_of(payload, fields, decoded))
        for decoded in _decode(payload, parts)
    ]
    # In one order, so that two payloads about the same services cannot wait for each other.
    for service in sorted({piece.service for piece in pieces}, key=lambda service: service.pk):
        lock_service(service)
    for piece in pieces:
        link(payload, _record_piece(payload, parts, piece))


def _decode(
    payload: IngestPayload, parts: dict[str, Part], only_ref: str | None = None
) -> tuple[DecodedBuild, ...]:
    """Decode the parts of one upload, or of several that belong to one build."""
    bounds = limits()
    data = {name: plain(part, bounds) for name, part in parts.items() if name != "context"}
    builds = read_builds(**data, limits=bounds, only_ref=only_ref)
    return tuple(shifted(build, payload.shift_seconds * NANOSECONDS) for build in builds)


def _record_piece(payload: IngestPayload, parts: dict[str, Part], piece: Piece) -> Build:
    """Record a build, together with the pieces of it that came before."""
    build = find_build(piece.service, piece.decoded, piece.context)
    decoded, context = piece.decoded, piece.context
    if build:
        ref = decoded.buildkit_ref or build.buildkit_ref or None
        told = united(build, payload, parts)
        decoded = _decode(payload, told.parts, only_ref=ref)[0]
        context = _context(parse_fields(told.fields))
    return record_build(
        service=piece.service,
        decoded=decoded,
        context=context,
        received_at=payload.received_at,
        build=build,
    )


def _context(fields: BuildKitFields) -> BuildContext:
    return BuildContext(**fields.model_dump(exclude={"service"}))


def _service_of(payload: IngestPayload, fields: BuildKitFields, decoded: DecodedBuild) -> Service:
    if known := find_by_ref(payload.project_id, decoded.buildkit_ref):
        return known.service
    name = fields.service or decoded.name_hint
    if not name:
        raise ParseError("service", "The record does not name the service: send the field.")
    return get_or_create_service(project_id=payload.project_id, name=name)


DIGESTERS: dict[PayloadKind, Callable[[IngestPayload], None]] = {
    PayloadKind.BUILDKIT: _digest_buildkit,
    PayloadKind.TRIVY: digest_trivy,
    PayloadKind.VEX: digest_vex,
    PayloadKind.SBOM: digest_sbom,
}
"""One entry for each kind of payload."""
