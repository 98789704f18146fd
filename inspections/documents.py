"""What is sent: results of ``buildinsights inspect`` and ``buildinsights lint``, checked."""

import hashlib
import json
import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationError,
)

from buildkit.values import as_web_address, is_storable
from inspections.exceptions import DocumentError
from security.models import Severity

_DIGEST = re.compile(r"(?:sha256:[0-9a-f]{64})?")

MOST_CONFIG_BYTES = 1_000_000


def _clean(value: str) -> str:
    if "\0" in value:
        raise ValueError("must not contain NUL")
    value.encode("utf-8")  # a lone surrogate cannot be stored
    return value


def _digest(value: str) -> str:
    if not _DIGEST.fullmatch(value):
        raise ValueError("must be sha256: and 64 hex digits")
    return value


def _storable(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    if len(json.dumps(value)) > MOST_CONFIG_BYTES:
        raise ValueError(f"must not be longer than {MOST_CONFIG_BYTES} bytes")
    if not is_storable(value):
        raise ValueError("must not contain NUL")
    return value


type Text60 = Annotated[str, StringConstraints(max_length=60), AfterValidator(_clean)]
type Text100 = Annotated[str, StringConstraints(max_length=100), AfterValidator(_clean)]
type Text200 = Annotated[str, StringConstraints(max_length=200), AfterValidator(_clean)]
type Text500 = Annotated[str, StringConstraints(max_length=500), AfterValidator(_clean)]
type Text1000 = Annotated[str, StringConstraints(max_length=1000), AfterValidator(_clean)]
type Digest = Annotated[str, AfterValidator(_digest)]
type Address = Annotated[Text500, AfterValidator(as_web_address)]
type Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,59}$")]
type Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
type Format = Annotated[int, Field(ge=1, le=1)]
type Lines = Annotated[list[Count], Field(min_length=2, max_length=2)]


class _Document(BaseModel):
    """Unknown fields are of newer commands, and left out."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class DigestsDocument(_Document):
    """By what an image is known."""

    config: Digest = ""
    manifest: Digest = ""
    index: Digest = ""


class EvidenceDocument(_Document):
    """One place."""

    place: Text500
    detail: Text500 = ""
    layer: Text100 = ""
    instruction: Text1000 = ""
    severity: Literal[*Severity.labels] = "UNKNOWN"  # type: ignore[valid-type]


class CheckDocument(_Document):
    """What came of one check."""

    id: Name
    title: Text200 = ""
    severity: Literal[*Severity.labels]  # type: ignore[valid-type]
    status: Literal["pass", "fail", "unknown", "not-applicable"]
    message: Text1000 = ""
    remediation: Text1000 = ""
    evidence: Annotated[list[EvidenceDocument], Field(max_length=100)] = []
    count: Count = 0


def _distinct(checks: list[CheckDocument]) -> list[CheckDocument]:
    if len({item.id for item in checks}) < len(checks):
        raise ValueError("must not have two checks of one id")
    return checks


class InspectionDocument(_Document):
    """``buildinsights inspect --json``."""

    format: Format
    image: Text500
    digests: DigestsDocument = DigestsDocument()
    platform: Text60 = ""
    source: Literal["", "engine", "registry", "path"] = ""
    service: Text100 = ""
    target: Text200 = ""
    variant: Text60 = ""
    environment: Text60 = ""
    is_production: bool = False
    is_complete: bool = True
    problem: Text500 = ""
    tool_version: Text60 = ""
    inspected_at: AwareDatetime
    config: Annotated[dict[str, JsonValue], AfterValidator(_storable)] = {}
    checks: Annotated[
        list[CheckDocument], Field(min_length=1, max_length=100), AfterValidator(_distinct)
    ]

    def known_by(self) -> list[str]:
        """Return the digests, the surest first."""
        digests = self.digests
        return [item for item in (digests.config, digests.manifest, digests.index) if item]


class WarningDocument(_Document):
    """One place where a rule is broken; ``lines`` are pairs of first and last."""

    rule: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9]{0,99}$")]
    description: Text500 = ""
    url: Address = ""
    detail: Text1000 = ""
    file: Annotated[str, StringConstraints(max_length=300), AfterValidator(_clean)] = ""
    lines: Annotated[list[Lines], Field(max_length=100)] = []


class LintDocument(_Document):
    """``buildinsights lint --json``, of one target."""

    format: Format
    service: Annotated[Text100, StringConstraints(min_length=1)]
    target: Text200 = ""
    ref_name: Annotated[str, StringConstraints(max_length=250), AfterValidator(_clean)] = ""
    change_id: Text100 = ""
    revision: Text100 = ""
    checked_at: AwareDatetime
    warnings: Annotated[list[WarningDocument], Field(max_length=1000)] = []


def parsed[T: _Document](model: type[T], data: Any) -> T:
    """Validate a document.

    Raises:
        DocumentError: it names each place that is wrong.
    """
    try:
        return model.model_validate_json(json.dumps(data))
    except ValidationError as error:
        raise DocumentError(
            {
                ".".join(str(part) for part in item["loc"]) or "body": _sentence(item)
                for item in error.errors()
            }
        ) from error


def _sentence(item: Any) -> str:
    if item["type"] == "value_error":
        return f"This value {item['ctx']['error']}."
    return f"{item['msg']}."


def content_of(document: _Document, *times: str) -> bytes:
    """Return what tells a document from others but for the fields that are times."""
    text = document.model_dump_json(exclude=set(times))
    return hashlib.sha256(text.encode()).digest()


def not_after(when: datetime, received_at: datetime) -> datetime:
    """Return when it was; a clock that is ahead tells nothing."""
    return min(when, received_at)
