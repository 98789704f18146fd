"""The form of trust policies, version 1, as JSON Schema."""

from typing import Any

VERSION = 1
KMS = r"^(?:awskms|gcpkms|azurekms|hashivault)://\S+$"
_ID = {"type": "string", "pattern": r"^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$"}
_TEXT = {"type": "string", "minLength": 1, "maxLength": 500}
_MOMENT = {"type": "string", "format": "date-time"}
_PATTERNS = {"type": "array", "items": _TEXT, "minItems": 1, "maxItems": 100}


def _object(required: list[str], **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": False,
    }


_KEY = _object(
    ["id"],
    id=_ID,
    public_key={"type": "string", "maxLength": 10_000},
    kms={"type": "string", "pattern": KMS, "maxLength": 500},
    file=_TEXT,
    valid_from=_MOMENT,
    valid_until=_MOMENT,
    revoked_at=_MOMENT,
    revoked_because=_TEXT,
)
_IDENTITY = _object(["id", "subject", "issuer"], id=_ID, subject=_TEXT, issuer=_TEXT)
_NEEDS = _object(
    [],
    signature={"type": "boolean"},
    provenance={"type": "boolean"},
    sbom={"type": "boolean"},
    minimum={"type": "integer", "minimum": 1, "maximum": 20},
)
_ENVIRONMENT = _object(
    ["signers"],
    signers={"type": "array", "items": _ID, "minItems": 1, "maxItems": 100},
    builders=_PATTERNS,
    repositories=_PATTERNS,
    refs=_PATTERNS,
    needs=_NEEDS,
)

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Trust policy",
    **_object(
        ["version", "environments"],
        version={"const": VERSION},
        transparency_log={"type": "boolean"},
        keys={"type": "array", "items": _KEY, "maxItems": 100},
        identities={"type": "array", "items": _IDENTITY, "maxItems": 100},
        environments={
            "type": "object",
            "minProperties": 1,
            "maxProperties": 50,
            "propertyNames": {"type": "string", "pattern": r"^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$"},
            "additionalProperties": _ENVIRONMENT,
        },
    ),
}
