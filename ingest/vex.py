"""From a stored document of statements to what is kept of them."""

from builds.services import get_or_create_service
from ingest.models import IngestPayload, PayloadDocument
from ingest.schemas import parse_vex_fields
from ingest.uploads import limits, plain, unpack
from security.statements import record_document
from supplychain.vex.reading import read_vex


def digest_vex(payload: IngestPayload) -> None:
    """Read a document and keep what it states.

    Raises:
        ParseError: it cannot be read, or states nothing.
    """
    name = parse_vex_fields(payload.fields).service
    bounds = limits()
    part = unpack(payload.parts, payload.body)["report"]
    document = read_vex(plain(part, bounds), bounds)
    service = get_or_create_service(project_id=payload.project_id, name=name) if name else None
    kept = record_document(
        project_id=payload.project_id,
        service=service,
        document=document,
        received_at=payload.received_at,
    )
    PayloadDocument.objects.update_or_create(payload=payload, defaults={"document": kept})
