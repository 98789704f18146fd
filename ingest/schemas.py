"""What may stand beside the files of an upload."""

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
)

from buildkit.errors import ParseError
from security.models import Severity
from supplychain.reports.values import moment_of

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def _clean(value: str) -> str:
    value = value.strip()
    if "\0" in value:
        raise ValueError("must not contain NUL")
    value.encode("utf-8")  # a lone surrogate cannot be stored
    return value


def _name(value: str) -> str:
    """A person is told by name: an e-mail address is personal data that nobody here needs."""
    if "@" in value:
        raise ValueError("must be a name, without an e-mail address")
    return value


def _moment(value: str) -> str:
    if value and moment_of(value) is None:
        raise ValueError("must be a time with its zone, as 2026-11-01T06:00:00Z")
    return value


def _web_address(value: str) -> str:
    if value and not value.lower().startswith(("https://", "http://")):
        raise ValueError("must start with https:// or http://")
    return value


class BuildKitFields(BaseModel):
    """The form fields of ``POST ingest/buildkit/``; all are optional texts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    service: Annotated[str, Field(max_length=100), AfterValidator(_clean)] = ""
    variant: Annotated[str, Field(max_length=60), AfterValidator(_clean)] = ""
    environment: Annotated[str, Field(max_length=60), AfterValidator(_clean)] = ""
    repository_url: Annotated[str, Field(max_length=500), AfterValidator(_clean)] = ""
    ref_name: Annotated[str, Field(max_length=250), AfterValidator(_clean)] = ""
    revision: Annotated[str, Field(max_length=100), AfterValidator(_clean)] = ""
    change_id: Annotated[str, Field(max_length=100), AfterValidator(_clean)] = ""
    author: Annotated[str, Field(max_length=200), AfterValidator(_clean), AfterValidator(_name)] = (
        ""
    )
    pipeline_name: Annotated[str, Field(max_length=200), AfterValidator(_clean)] = ""
    pipeline_run_id: Annotated[str, Field(max_length=200), AfterValidator(_clean)] = ""
    pipeline_run_url: Annotated[
        str, Field(max_length=500), AfterValidator(_clean), AfterValidator(_web_address)
    ] = ""
    trigger: Annotated[str, Field(max_length=60), AfterValidator(_clean)] = ""
    cache_to: Annotated[str, Field(max_length=2000), AfterValidator(_clean)] = ""


FIELD_NAMES = tuple(BuildKitFields.model_fields)

SEVERITIES = tuple(Severity.labels)
SCANNERS = ("vuln", "misconfig", "secret", "license")
PACKAGE_TYPES = ("os", "library")


def _one_of(known: tuple[str, ...], change: Callable[[str], str]) -> Callable[[str], str]:
    def check(value: str) -> str:
        names = [change(name.strip()) for name in value.split(",") if name.strip()]
        if wrong := [name for name in names if name not in known]:
            raise ValueError(f"{', '.join(wrong)}: must be of {', '.join(known)}")
        return ",".join(dict.fromkeys(names))

    return check


def _digest(value: str) -> str:
    if value and not DIGEST.fullmatch(value):
        raise ValueError("must be sha256: and 64 hex digits")
    return value


class TrivyFields(BaseModel):
    """The parameters of ``POST ingest/trivy/``; all are optional texts.

    ``scanners``, ``severities``, ``ignore_unfixed`` and ``pkg_types`` say how the report was made,
    and the last three by what; it does not say that itself.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    image: Annotated[str, Field(max_length=500), AfterValidator(_clean)] = ""
    digest: Annotated[str, Field(max_length=80), AfterValidator(_digest)] = ""
    service: Annotated[str, Field(max_length=100), AfterValidator(_clean)] = ""
    target: Annotated[str, Field(max_length=200), AfterValidator(_clean)] = ""
    variant: Annotated[str, Field(max_length=60), AfterValidator(_clean)] = ""
    environment: Annotated[str, Field(max_length=60), AfterValidator(_clean)] = ""
    scanners: Annotated[str, AfterValidator(_one_of(SCANNERS, str.lower))] = ""
    severities: Annotated[str, AfterValidator(_one_of(SEVERITIES, str.upper))] = ""
    ignore_unfixed: Literal["", "true", "false"] = ""
    pkg_types: Annotated[str, AfterValidator(_one_of(PACKAGE_TYPES, str.lower))] = ""
    scanner_version: Annotated[str, Field(max_length=60), AfterValidator(_clean)] = ""
    database_version: Annotated[str, Field(max_length=60), AfterValidator(_clean)] = ""
    database_updated_at: Annotated[str, Field(max_length=60), AfterValidator(_moment)] = ""


def _of_digest(value: str, known: ValidationInfo) -> str:
    if value and not known.data.get("digest"):
        raise ValueError("needs digest: that of the image beside which the SBOM lay")
    return value


def _of_verified(value: str, known: ValidationInfo) -> str:
    names = dict.fromkeys(name.strip()[:200] for name in value.split(",") if name.strip())
    if bool(names) != (known.data.get("signature") == "verified"):
        raise ValueError("must name the keys of what is verified, and of nothing else")
    return ",".join(names)


class SbomFields(BaseModel):
    """The parameters of ``POST ingest/sbom/``; all are optional texts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    image: Annotated[str, Field(max_length=500), AfterValidator(_clean)] = ""
    digest: Annotated[str, Field(max_length=80), AfterValidator(_digest)] = ""
    service: Annotated[str, Field(max_length=100), AfterValidator(_clean)] = ""
    target: Annotated[str, Field(max_length=200), AfterValidator(_clean)] = ""
    variant: Annotated[str, Field(max_length=60), AfterValidator(_clean)] = ""
    environment: Annotated[str, Field(max_length=60), AfterValidator(_clean)] = ""
    source: Annotated[Literal["", "index", "tag", "referrer"], AfterValidator(_of_digest)] = ""
    signature: Literal["", "unsigned", "unchecked", "foreign", "verified"] = ""
    signed_by: Annotated[
        str,
        Field(max_length=1000, validate_default=True),
        AfterValidator(_clean),
        AfterValidator(_of_verified),
    ] = ""


def parse_sbom_fields(fields: Mapping[str, object]) -> SbomFields:
    """Validate the parameters of ``POST ingest/sbom/``.

    Raises:
        FieldsError: with one entry for each parameter that is wrong.
    """
    return _validated(SbomFields, fields)


class VexFields(BaseModel):
    """The parameters of ``POST ingest/vex/``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    service: Annotated[str, Field(max_length=100), AfterValidator(_clean)] = ""


def parse_fields(fields: Mapping[str, object]) -> BuildKitFields:
    """Validate the form fields of ``POST ingest/buildkit/``.

    Raises:
        FieldsError: with one entry for each field that is wrong.
    """
    return _validated(BuildKitFields, fields)


def parse_trivy_fields(fields: Mapping[str, object]) -> TrivyFields:
    """Validate the parameters of ``POST ingest/trivy/``.

    Raises:
        FieldsError: with one entry for each parameter that is wrong.
    """
    return _validated(TrivyFields, fields)


def parse_vex_fields(fields: Mapping[str, object]) -> VexFields:
    """Validate the parameters of ``POST ingest/vex/``.

    Raises:
        FieldsError: with one entry for each parameter that is wrong.
    """
    return _validated(VexFields, fields)


def _validated[T: BaseModel](model: type[T], fields: Mapping[str, object]) -> T:
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        known = tuple(model.model_fields)
        raise FieldsError(
            [ParseError(_path(item["loc"]), _sentence(item, known)) for item in error.errors()]
        ) from error


class FieldsError(Exception):
    """Everything that is wrong with the fields of an upload, each with its place."""

    def __init__(self, errors: list[ParseError]) -> None:
        super().__init__("; ".join(str(error) for error in errors))
        self.errors = errors


def _path(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location) or "body"


def _sentence(item: object, known: tuple[str, ...]) -> str:
    details = dict(item)  # type: ignore[call-overload]
    if details["type"] == "extra_forbidden":
        return f"This field is not known. Known are: {', '.join(known)}."
    if details["type"] == "value_error":
        return f"This value {details['ctx']['error']}."
    return f"{details['msg']}."
