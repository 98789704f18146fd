"""Trust policies read from JSON or YAML; whatever is wrong is told with its place."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

from buildkit.values import is_storable
from supplychain.trust.policy import Environment, Identity, Key, Needs, Policy
from supplychain.trust.schema import KMS, SCHEMA, VERSION
from supplychain.trust.sense import sense_errors
from supplychain.written import WHOLE, WrittenError, read_mapping, schema_errors

MOST_BYTES = 256 * 1024
_PEM = re.compile(
    r"\s*-----BEGIN (?:RSA )?PUBLIC KEY-----\s[A-Za-z0-9+/=\s]+-----END (?:RSA )?PUBLIC KEY-----\s*"
)


class PolicyError(ValueError):
    """A policy is not one; ``errors`` are (place, sentence), the place as ``keys[0].id``."""

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        self.errors = errors
        super().__init__("\n".join(f"{place}: {text}" for place, text in errors))


def load_document(text: str) -> dict[str, Any]:
    """Return the document that JSON or YAML is, with moments as text.

    Raises:
        PolicyError: it is neither, or no mapping.
    """
    try:
        return read_mapping(text, MOST_BYTES)
    except WrittenError as error:
        raise PolicyError([(error.place, error.message)]) from error


def read_policy(document: Mapping[str, Any], *, allow_files: bool = True) -> Policy:
    """Return the policy that a document is.

    Args:
        document: as ``load_document`` returns it.
        allow_files: whether keys may be named by files, which only one machine has.

    Raises:
        PolicyError: it is none; with all errors of its form, or else of its sense.
    """
    if not is_storable(document):
        raise PolicyError([(WHOLE, "has characters that cannot be kept")])
    errors = list(_form_errors(document))
    if not errors:
        policy = _policy(document, errors)
        errors += sense_errors(policy, allow_files=allow_files)
    if errors:
        raise PolicyError(errors)
    return policy


def _form_errors(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for place, error in schema_errors(SCHEMA, document):
        yield place, _sentence(error)


def _sentence(error: Any) -> str:
    """Say what is wrong in words that name no more of the value than needed."""
    kinds = {"object": "a mapping", "array": "a list", "boolean": "true or false"}
    match error.validator:
        case "required":
            return str(error.message).replace(" is a required property", " is missing")
        case "additionalProperties":
            known = ", ".join(error.schema.get("properties", {}))
            names = sorted(set(error.instance) - set(error.schema.get("properties", {})))
            return f"{', '.join(map(repr, names))} is not known here: there are {known}"
        case "type":
            return f"must be {kinds.get(error.validator_value, f'a {error.validator_value}')}"
        case "const":
            return f"must be {VERSION}, the version of this form"
        case "pattern" if error.validator_value == KMS:
            return "must be an address of a KMS: awskms://, gcpkms://, azurekms:// or hashivault://"
        case "pattern":
            return "must be letters, digits, dots, dashes and underscores, at most 60"
        case "minItems":
            return "must not be empty; leave it out to allow everything"
        case _:
            return str(error.message)[:200]


def _policy(document: Mapping[str, Any], errors: list[tuple[str, str]]) -> Policy:
    return Policy(
        keys=tuple(
            _key(item, f"keys[{number}]", errors)
            for number, item in enumerate(document.get("keys", ()))
        ),
        identities=tuple(Identity(**item) for item in document.get("identities", ())),
        environments=tuple(
            _environment(name, item) for name, item in document["environments"].items()
        ),
        transparency_log=document.get("transparency_log", False),
    )


def _key(item: Mapping[str, Any], place: str, errors: list[tuple[str, str]]) -> Key:
    given = [name for name in ("public_key", "kms", "file") if item.get(name)]
    if len(given) != 1:
        errors.append((place, "needs one of public_key, kms and file"))
    if item.get("public_key") and not _PEM.fullmatch(item["public_key"]):
        errors.append((f"{place}.public_key", "must be a public key in PEM"))
    moments = {
        name: _moment(item.get(name, ""), f"{place}.{name}", errors)
        for name in ("valid_from", "valid_until", "revoked_at")
    }
    return Key(
        id=item["id"],
        public_key=item.get("public_key", ""),
        reference=item.get("kms") or item.get("file") or "",
        revoked_because=item.get("revoked_because", ""),
        **moments,
    )


def _moment(text: str, place: str, errors: list[tuple[str, str]]) -> datetime | None:
    """Return a moment in UTC; a day is its beginning."""
    if not text:
        return None
    try:
        if len(text) == len("2026-01-01"):
            day = date.fromisoformat(text)
            return datetime(day.year, day.month, day.day, tzinfo=UTC)
        moment = datetime.fromisoformat(text)
    except ValueError:
        errors.append((place, "must be a moment such as 2026-01-31T12:00:00Z, or a day"))
        return None
    if moment.tzinfo is None:
        errors.append((place, "needs a time zone: Z is UTC"))
        return None
    return moment.astimezone(UTC)


def _environment(name: str, item: Mapping[str, Any]) -> Environment:
    needs = item.get("needs", {})
    return Environment(
        name=name,
        signers=tuple(item["signers"]),
        builders=tuple(item.get("builders", ())),
        repositories=tuple(item.get("repositories", ())),
        refs=tuple(item.get("refs", ())),
        needs=Needs(
            signatures=needs.get("minimum", 1) if needs.get("signature", True) else 0,
            provenance=needs.get("provenance", True),
            sbom=needs.get("sbom", False),
        ),
    )
