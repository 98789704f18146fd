"""From a stored bill of materials to its packages."""

import hashlib

from ingest.models import IngestPayload, PayloadSbom
from ingest.owners import service_of
from ingest.schemas import parse_sbom_fields
from ingest.uploads import limits, plain, unpack
from sboms.models import Sbom
from sboms.recording import Arrival, record_sbom
from security.matching import match
from supplychain.sboms.reading import read_sbom


def digest_sbom(payload: IngestPayload) -> None:
    """Read a bill and keep what it lists; without a build of its image it waits for one.

    Raises:
        ParseError: it cannot be read, or nothing tells of which service it is.
    """
    fields = parse_sbom_fields(payload.fields)
    bounds = limits()
    data = plain(unpack(payload.parts, payload.body)["report"], bounds)
    bill = read_sbom(data, limits=bounds)
    digests = list(dict.fromkeys(filter(None, (fields.digest, *bill.digests))))
    found = match(payload.project_id, digests)
    source = Sbom.Source.ATTESTATION if bill.is_attested else Sbom.Source.UPLOADED
    arrival = Arrival(
        project_id=payload.project_id,
        sha256=hashlib.sha256(data).hexdigest(),
        received_at=payload.received_at,
        image_name=fields.image,
        digests=digests,
        source=source,
    )
    sbom = record_sbom(
        arrival=arrival,
        bill=bill,
        service=service_of(
            payload.project_id, fields.service, found, what="SBOM", is_image=bool(digests)
        ),
        found=found,
        fields=fields.model_dump(include={"target", "variant", "environment"}),
    )
    PayloadSbom.objects.update_or_create(payload=payload, defaults={"sbom": sbom})
