"""The way in: a bill of materials from its bytes, whatever its format."""

from dataclasses import replace

from buildkit.errors import ParseError
from buildkit.limits import Limits
from buildkit.status import Problems
from buildkit.values import Json, load_object
from supplychain.reports.gathering import Attempts
from supplychain.sboms import cyclonedx, spdx
from supplychain.sboms.model import Sbom
from supplychain.sboms.packages import image_digests
from supplychain.sboms.wrapping import unwrap

PLACE = "sbom"
INSTEAD = "send SPDX 2.2 or 2.3, or CycloneDX, as JSON"
_DEFAULTS = Limits()


def read_sbom(data: bytes, *, limits: Limits = _DEFAULTS) -> Sbom:
    """Read SPDX or CycloneDX, bare or in an attestation.

    Entries of a wrong shape are left out and named in ``problems``. Raises ``ParseError`` when it
    is too big, not JSON, or of a format that is not read.
    """
    wrapped = unwrap(load_object(data, PLACE, limits), PLACE, limits)
    attempts = Attempts(Problems(limits.max_problems))
    read = cyclonedx.read if is_cyclonedx(wrapped.document) else spdx.read
    if not is_bill(wrapped.document):
        raise ParseError(wrapped.place, f"neither SPDX nor CycloneDX; {INSTEAD}")
    found = read(wrapped.document, attempts, wrapped.place, limits)
    return replace(
        found,
        digests=tuple(dict.fromkeys((*image_digests(wrapped.digests), *found.digests))),
        is_attested=wrapped.is_attested,
        is_signed=wrapped.is_signed,
        subjects=wrapped.digests,
        problems=tuple(attempts.told()),
    )


def is_cyclonedx(document: Json) -> bool:
    """Tell whether a document is CycloneDX."""
    return document.get("bomFormat") == "CycloneDX"


def is_bill(document: Json) -> bool:
    """Tell whether a document is a bill of materials, of whatever version."""
    return is_cyclonedx(document) or "spdxVersion" in document


def is_sbom(data: bytes, *, limits: Limits = _DEFAULTS) -> bool:
    """Tell whether a file is a bill of materials; CycloneDX that tells vulnerabilities is none."""
    try:
        document = unwrap(load_object(data, PLACE, limits), PLACE, limits).document
    except ParseError:
        return False
    return is_bill(document) and not document.get("vulnerabilities")
