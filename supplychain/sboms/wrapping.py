"""Attestations that hold a bill of materials: in-toto statements, alone or in a DSSE envelope."""

import binascii
from base64 import b64decode
from dataclasses import dataclass, replace

from buildkit.errors import ParseError
from buildkit.limits import Limits
from buildkit.values import Json, as_dict, as_dicts, as_text, load_object
from supplychain.intoto import SBOM_TYPES, subject_digests


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A bill as it lay in an attestation, its place, and the digests that the attestation is of."""

    document: Json
    place: str
    digests: tuple[str, ...] = ()
    is_attested: bool = False
    is_signed: bool = False
    """Whether there is a signature; what that is worth is another question."""


def is_predicate_type(text: object) -> bool:
    """Tell whether a predicate of this type is a bill of materials."""
    return as_text(text).startswith(SBOM_TYPES)


def unwrap(document: Json, place: str, limits: Limits) -> Wrapped:
    """Take the bill out of what it is in; a bare one stays as it is.

    Raises ``ParseError`` for an attestation that holds none.
    """
    if isinstance(document.get("SPDX"), dict):
        # As ``docker buildx imagetools inspect --format '{{json .SBOM}}'`` prints it.
        return Wrapped(document["SPDX"], f"{place}/SPDX", is_attested=True)
    is_signed = False
    if "payload" in document and "payloadType" in document:
        place = f"{place}/payload"
        is_signed = bool(as_dicts(document.get("signatures")))
        document = load_object(_payload(document["payload"], place), place, limits)
    if "predicateType" not in document:
        return Wrapped(document, place)
    if not is_predicate_type(document["predicateType"]):
        raise ParseError(f"{place}/predicateType", "the attestation holds no bill of materials")
    return replace(_of_statement(document, place, limits), is_signed=is_signed)


def _of_statement(statement: Json, place: str, limits: Limits) -> Wrapped:
    predicate = as_dict(statement.get("predicate"))
    place = f"{place}/predicate"
    if "Data" in predicate:
        # As cosign wrote custom predicates: the document, or its text.
        data, place = predicate["Data"], f"{place}/Data"
        is_text = isinstance(data, str)
        predicate = load_object(data.encode(), place, limits) if is_text else as_dict(data)
    return Wrapped(predicate, place, subject_digests(statement), is_attested=True)


def _payload(payload: object, place: str) -> bytes:
    try:
        return b64decode(as_text(payload), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ParseError(place, "is not base64") from error
