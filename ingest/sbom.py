"""From a stored bill of materials to its packages."""

import hashlib

from buildkit.errors import ParseError
from ingest.models import IngestPayload, PayloadSbom
from ingest.owners import service_of
from ingest.schemas import SbomFields, parse_sbom_fields
from ingest.uploads import limits, plain, unpack
from sboms.models import Sbom
from sboms.recording import Arrival, record_sbom
from security.matching import match
from supplychain.sboms import model
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
    _check(fields, bill)
    digests = _digests(fields, bill)
    found = match(payload.project_id, digests)
    arrival = Arrival(
        project_id=payload.project_id,
        sha256=hashlib.sha256(data).hexdigest(),
        received_at=payload.received_at,
        image_name=fields.image,
        digests=digests,
        source=fields.source or _source(bill),
        signature=fields.signature,
        signed_by=tuple(filter(None, fields.signed_by.split(","))),
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


def _check(fields: SbomFields, bill: model.Sbom) -> None:
    """Refuse what the sender says of a bill and the bill itself denies.

    Raises:
        ParseError: it is of another image, or is not signed as it is said to be.
    """
    if fields.source and bill.subjects and fields.digest not in bill.subjects:
        of = ", ".join(bill.subjects)
        raise ParseError("sbom/subject", f"the SBOM is of {of}, and not of {fields.digest}")
    if fields.signature and bill.is_signed != (fields.signature != "unsigned"):
        has = "has a signature" if bill.is_signed else "has no signature"
        raise ParseError("signature", f"{fields.signature} cannot be: what was sent {has}")


def _digests(fields: SbomFields, bill: model.Sbom) -> list[str]:
    """Return the digests of its image; what lay beside an image is of that, whatever it says."""
    said = () if fields.source else bill.digests
    return list(dict.fromkeys(filter(None, (fields.digest, *said))))


def _source(bill: model.Sbom) -> str:
    return Sbom.Source.ATTESTATION if bill.is_attested else Sbom.Source.UPLOADED
