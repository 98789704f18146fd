"""What may stand beside the files of an upload."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from buildkit.errors import ParseError


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


def parse_fields(fields: Mapping[str, object]) -> BuildKitFields:
    """Validate form fields.

    Raises:
        FieldsError: with one entry for each field that is wrong.
    """
    try:
        return BuildKitFields.model_validate(fields)
    except ValidationError as error:
        raise FieldsError(
            [ParseError(_path(item["loc"]), _sentence(item)) for item in error.errors()]
        ) from error


class FieldsError(Exception):
    """Everything that is wrong with the fields of an upload, each with its place."""

    def __init__(self, errors: list[ParseError]) -> None:
        super().__init__("; ".join(str(error) for error in errors))
        self.errors = errors


def _path(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location) or "body"


def _sentence(item: object) -> str:
    details = dict(item)  # type: ignore[call-overload]
    if details["type"] == "extra_forbidden":
        return f"This field is not known. Known are: {', '.join(FIELD_NAMES)}."
    if details["type"] == "value_error":
        return f"This value {details['ctx']['error']}."
    return f"{details['msg']}."
