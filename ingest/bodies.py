"""Reading a request body within limits, before anything looks into it."""

import json
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from pydantic import BaseModel
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError, ValidationError
from rest_framework.request import Request

from buildkit import errors
from buildkit.archive import gunzip
from ingest.models import PayloadKind
from ingest.schemas import FieldsError, parse_fields, parse_sbom_fields, parse_trivy_fields
from ingest.uploads import BUILDKIT_PARTS, GZIP_MAGIC, Part, Upload, limits

MAX_KEY_LENGTH = 200
OF_REQUEST = {"sync", "project", "format"}
"""Parameters that say what to do with an upload, and not what it is."""


class BodyTooLargeError(APIException):
    """413."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "The body is larger than this server takes."
    default_code = "body_too_large"


def check_length(request: Request) -> None:
    """Refuse a body that says it is too large, before a byte of it is read."""
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError as error:
        raise ParseError("Content-Length must be a number.") from error
    if length > settings.INGEST_MAX_BODY_BYTES:
        raise BodyTooLargeError(
            f"The body is larger than the {settings.INGEST_MAX_BODY_BYTES} bytes that "
            "this server takes (INGEST_MAX_BODY_BYTES)."
        )


def decode_content_encoding(request: Request) -> None:
    """Replace a gzip body by what is in it, within the limits on size and ratio."""
    encoding = request.META.get("HTTP_CONTENT_ENCODING", "").strip().lower()
    if encoding in {"", "identity"}:
        return
    if encoding != "gzip":
        raise UnsupportedEncodingError
    http = request._request  # noqa: SLF001
    body = http.read()
    if not body.startswith(GZIP_MAGIC):
        raise ParseError("body: Content-Encoding is gzip, and the body is not.")
    bounds = replace(limits(), max_uncompressed_bytes=settings.INGEST_MAX_BODY_BYTES)
    try:
        data = gunzip(body, "body", bounds)
    except errors.TooLargeError as error:
        raise BodyTooLargeError(str(error)) from error
    except errors.ParseError as error:
        raise ParseError(str(error)) from error
    http._stream = BytesIO(data)  # noqa: SLF001
    http._read_started = False  # type: ignore[attr-defined]  # noqa: SLF001
    http.META["CONTENT_LENGTH"] = str(len(data))
    del http.META["HTTP_CONTENT_ENCODING"]


def idempotency_key(request: Request) -> str:
    """Return the sender's key, empty without one; a key that cannot be kept whole is refused."""
    key: str = request.headers.get("Idempotency-Key", "")
    if len(key) > MAX_KEY_LENGTH or not key.isprintable():
        message = f"Must be at most {MAX_KEY_LENGTH} printable characters."
        raise ValidationError({"Idempotency-Key": [message]})
    return key


class UnsupportedEncodingError(APIException):
    """415."""

    status_code = status.HTTP_415_UNSUPPORTED_MEDIA_TYPE
    default_detail = "Content-Encoding may be gzip or absent."
    default_code = "unsupported_encoding"


def form_upload(kind: str, form: Any) -> Upload:
    """Turn a multipart form into an upload, refusing what is not known, all at once."""
    parts: list[Part] = []
    fields: dict[str, object] = {}
    wrong: dict[str, list[str]] = {}
    for name in form:
        values = form.getlist(name)
        if len(values) > 1:
            wrong[name] = ["Sent more than once."]
        elif isinstance(values[0], UploadedFile):
            _add_file(parts, wrong, name, values[0])
        elif name in BUILDKIT_PARTS:
            wrong[name] = ["This is a file part: send it with a file name (curl: -F name=@path)."]
        else:
            fields[name] = values[0]
    return _checked(kind, fields, parts, wrong)


def _add_file(
    parts: list[Part],
    wrong: dict[str, list[str]],
    name: str,
    file: UploadedFile,  # type: ignore[type-arg]
) -> None:
    if name not in BUILDKIT_PARTS:
        wrong[name] = [f"This file part is not known. Known are: {', '.join(BUILDKIT_PARTS)}."]
        return
    parts.append(Part(name, (file.name or "")[:200], file.read()))


def _checked(
    kind: str, fields: dict[str, object], parts: list[Part], wrong: dict[str, list[str]]
) -> Upload:
    try:
        said = parse_fields(fields)
    except FieldsError as problem:
        for error in problem.errors:
            wrong.setdefault(error.path, []).append(error.message)
    if not parts and not wrong:
        wrong["record"] = [f"Send at least one file: {', '.join(BUILDKIT_PARTS)}."]
    if wrong:
        raise ValidationError(wrong)
    stated = {name: value for name, value in said.model_dump().items() if value}
    return Upload(kind, stated, tuple(parts))


def report_upload(parameters: Any, body: Any) -> Upload:
    """Turn a scanner's report and the parameters of its address into an upload."""
    return _body_upload(PayloadKind.TRIVY, "report", parse_trivy_fields, parameters, body)


def sbom_upload(parameters: Any, body: Any) -> Upload:
    """Turn a bill of materials and the parameters of its address into an upload."""
    return _body_upload(PayloadKind.SBOM, "sbom", parse_sbom_fields, parameters, body)


def _body_upload(
    kind: str,
    name: str,
    parse: Callable[[dict[str, object]], BaseModel],
    parameters: Any,
    body: Any,
) -> Upload:
    """Turn a body that is one file into an upload; refuse what is not known, all at once."""
    wrong = {
        name: ["Sent more than once."] for name in parameters if len(parameters.getlist(name)) > 1
    }
    stated = {name: value for name, value in parameters.items() if name not in OF_REQUEST}
    try:
        said = parse(stated)
    except FieldsError as problem:
        for error in problem.errors:
            wrong.setdefault(error.path, []).append(error.message)
    if not body and not wrong:
        wrong["body"] = [f"Send the {name} as the body (curl: --data-binary @{name}.json)."]
    if wrong:
        raise ValidationError(wrong)
    fields = {name: value for name, value in said.model_dump().items() if value}
    return Upload(kind, fields, (Part(name, "", body),))


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a bulk body: an upload, or what is wrong with it."""

    number: int
    upload: Upload | None
    errors: dict[str, Any]


def ndjson_uploads(kind: str, body: bytes) -> Iterator[Line]:
    """Read one upload a line; a bad line does not spoil its neighbours.

    A line is an object of form fields and parts. A part is base64 text, or for all but ``record``
    an object ``{"text": "…"}`` or any other JSON value, which stands for itself.
    """
    for number, raw in enumerate(body.splitlines(), start=1):
        if not raw.strip():
            continue
        try:
            yield Line(number, _line_upload(kind, raw), {})
        except ValidationError as error:
            yield Line(number, None, dict(error.detail))  # type: ignore[arg-type]


def _line_upload(kind: str, raw: bytes) -> Upload:
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ValidationError({"line": [f"Not JSON: {error}."]}) from error
    if not isinstance(document, dict):
        raise ValidationError({"line": ["Must be a JSON object."]})
    sent = {name: document.pop(name, None) for name in BUILDKIT_PARTS}
    parts = [
        Part(name, "", _part_bytes(name, value))
        for name, value in sent.items()
        if value is not None
    ]
    return _checked(kind, document, parts, {})


def _part_bytes(name: str, value: object) -> bytes:
    if isinstance(value, dict) and set(value) == {"text"} and isinstance(value["text"], str):
        return value["text"].encode("utf-8", "replace")
    if not isinstance(value, str):
        return json.dumps(value).encode()
    try:
        return b64decode(value, validate=True)
    except (Base64Error, ValueError) as error:
        raise ValidationError({name: [f"Not base64: {error}."]}) from error
