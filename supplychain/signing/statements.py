"""DSSE envelopes and the in-toto statements in them: who says what of which digests."""

import base64
import json
from dataclasses import dataclass

from buildkit.errors import ParseError
from buildkit.limits import Limits
from buildkit.values import Json, as_bytes, as_dict, as_dicts, as_text, clean, load_object

IN_TOTO = "application/vnd.in-toto+json"
COSIGN_SIGNATURE = "https://sigstore.dev/cosign/sign/v1"
"""The predicate type of a signature that claims no more than the digest."""

_LIMITS = Limits(max_json_bytes=64 * 1024**2)


@dataclass(frozen=True, slots=True)
class Statement:
    """A claim of some type about digests, ``algorithm:hex`` each."""

    predicate_type: str
    digests: tuple[str, ...]
    predicate: Json
    annotations: dict[str, str]
    """Of the first subject."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """Signed bytes, and the signatures as (id of the key, signature) in base64."""

    payload: bytes
    payload_type: str
    signatures: tuple[tuple[str, str], ...]

    def as_json(self) -> Json:
        """Return the envelope in the one form that cannot be read in two ways."""
        return {
            "payload": base64.b64encode(self.payload).decode(),
            "payloadType": self.payload_type,
            "signatures": [
                {"sig": signature} | ({"keyid": key} if key else {})
                for key, signature in self.signatures
            ],
        }


def read_envelope(document: Json, path: str) -> Envelope:
    """Return the envelope that a JSON object is.

    Raises:
        ParseError: it is none, or is not signed.
    """
    payload = as_bytes(document.get("payload"))
    signatures = tuple(
        (as_text(item.get("keyid")), base64.b64encode(signature).decode())
        for item in as_dicts(document.get("signatures"))
        if (signature := as_bytes(item.get("sig")))
    )
    if not payload or not signatures:
        raise ParseError(path, "no DSSE envelope with a payload and a signature")
    return Envelope(payload, as_text(document.get("payloadType")), signatures)


def read_statement(data: bytes, path: str) -> Statement:
    """Return the in-toto statement that bytes are.

    Raises:
        ParseError: they are none, or it is of nothing.
    """
    document = load_object(data, path, _LIMITS)
    predicate_type = as_text(document.get("predicateType"))
    if not predicate_type:
        raise ParseError(path, "no in-toto statement: it has no predicateType")
    subjects = as_dicts(document.get("subject"))
    digests = tuple(
        clean(f"{algorithm}:{value}")
        for subject in subjects
        for algorithm, value in as_dict(subject.get("digest")).items()
        if isinstance(value, str)
    )
    if not digests:
        raise ParseError(path, "the statement names no digest that it is of")
    noted = as_dict(subjects[0].get("annotations"))
    return Statement(
        predicate_type,
        digests,
        as_dict(document.get("predicate")),
        {name: as_text(value) for name, value in noted.items()},
    )


def statement_of(envelope: Envelope, path: str) -> Statement:
    """Return the in-toto statement in an envelope.

    Raises:
        ParseError: it holds something else, which its signer did not mean as a statement.
    """
    if envelope.payload_type != IN_TOTO:
        raise ParseError(path, f"the envelope holds {envelope.payload_type[:80]!r}")
    return read_statement(envelope.payload, path)


def read_simple_signing(data: bytes, path: str) -> Statement:
    """Return what cosign's first format claims, as a statement.

    Raises:
        ParseError: it is no such claim.
    """
    document = load_object(data, path, _LIMITS)
    critical = as_dict(document.get("critical"))
    digest = as_text(as_dict(critical.get("image")).get("docker-manifest-digest"))
    if as_text(critical.get("type")) != "cosign container image signature" or not digest:
        raise ParseError(path, "no signature of an image")
    noted = {name: as_text(value) for name, value in as_dict(document.get("optional")).items()}
    return Statement(COSIGN_SIGNATURE, (digest,), {}, noted)


def canonical_json(document: object) -> bytes:
    """Return JSON for a digest or for a file."""
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def is_storable(document: object) -> bool:
    """Tell whether a database can keep a document: no NUL, no half characters, no infinity."""
    try:
        text = json.dumps(document, ensure_ascii=False, allow_nan=False)
    except ValueError:
        return False
    return clean(text) == text and "\\u0000" not in text
