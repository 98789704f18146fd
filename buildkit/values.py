"""Values of untyped JSON, read without trust.

Every reader returns an empty value or ``None`` for a value of another type, because a record of a
build is worth reading even where one of its fields is not.
"""

import base64
import binascii
import json
import re
from typing import Any

from buildkit.errors import ParseError
from buildkit.limits import Limits

Json = dict[str, Any]

INT64_MAX = 2**63 - 1
_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
"""In JSON, where a backslash may be one that is written out."""
_WEB_ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def load_json(data: bytes | memoryview, path: str, limits: Limits) -> Any:
    """Parse JSON; NaN and infinities become ``None``, bytes that are no UTF-8 U+FFFD.

    Raises ``ParseError`` when it is too big, too deep, or not JSON.
    """
    if len(data) > limits.max_json_bytes:
        raise ParseError(path, f"JSON of {len(data)} bytes, allowed are {limits.max_json_bytes}")
    try:
        return json.loads(str(data, "utf-8-sig", "replace"), parse_constant=_no_number)
    except RecursionError as error:
        raise ParseError(path, "JSON is nested too deeply") from error
    except ValueError as error:
        raise ParseError(path, f"not JSON: {clean(str(error))}") from error


def load_object(data: bytes | memoryview, path: str, limits: Limits) -> Json:
    """Parse JSON that has to be an object; raises ``ParseError``."""
    value = load_json(data, path, limits)
    if not isinstance(value, dict):
        raise ParseError(path, "expected a JSON object")
    return value


def clean(text: str) -> str:
    """Replace what PostgreSQL cannot store, NUL and lone surrogates, by U+FFFD."""
    if text.isascii() and "\x00" not in text:
        return text
    return _UNSTORABLE.sub("\ufffd", text)


def decode(data: bytes) -> str:
    """Text of bytes that ought to be UTF-8."""
    return clean(data.decode("utf-8", "replace")) if data else ""


def as_text(value: object) -> str:
    """The string, cleaned; empty for anything else."""
    return clean(value) if isinstance(value, str) else ""


def as_web_address(value: object) -> str:
    """The address if it is of the web; empty for anything else, which must not become a link."""
    text = as_text(value)
    return text if _WEB_ADDRESS.fullmatch(text) else ""


def as_dict(value: object) -> Json:
    """The object; empty for anything else."""
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    """The list; empty for anything else."""
    return value if isinstance(value, list) else []


def as_dicts(value: object) -> list[Json]:
    """The objects in a list."""
    return [item for item in as_list(value) if isinstance(item, dict)]


def as_text_map(value: object) -> dict[str, str]:
    """An object of strings, without the members that are none."""
    return {clean(k): clean(v) for k, v in as_dict(value).items() if isinstance(v, str)}


def as_int(value: object) -> int | None:
    """A 64-bit integer, also one written as a string or as an integral float."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        value = int(value) if re.fullmatch(r"-?[0-9]{1,19}", value) else None
    if isinstance(value, float):
        value = int(value) if value.is_integer() else None
    if isinstance(value, int) and -INT64_MAX <= value <= INT64_MAX:
        return value
    return None


def as_size(value: object) -> int | None:
    """A size in bytes; ``None`` for BuildKit's -1, which means unknown."""
    size = as_int(value)
    return size if size is not None and size >= 0 else None


def as_float(value: object) -> float | None:
    """A finite number; ``None`` for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not -1e300 < value < 1e300:
        return None
    return float(value)


def as_bytes(value: object) -> bytes:
    """Bytes as Go writes them in JSON (base64); empty when they are not."""
    if not isinstance(value, str):
        return b""
    try:
        return base64.b64decode(value, validate=False)
    except (binascii.Error, ValueError):
        return b""


def canonical_json(document: object) -> bytes:
    """Return JSON for a digest or for a file."""
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def is_storable(document: object) -> bool:
    """Tell whether a database can keep a document: no NUL, no half characters, no infinity."""
    try:
        text = json.dumps(document, ensure_ascii=False, allow_nan=False)
    except ValueError:
        return False
    return clean(text) == text and not _ESCAPED_NUL.search(text)


def _no_number(_constant: str) -> None:
    return None
