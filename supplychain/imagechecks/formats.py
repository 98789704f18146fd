"""What secrets look like: well-known formats of tokens and keys, and assignments to their names.

No two unbounded repeats can meet on the same text, so that hostile files cost linear time.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from buildkit.secret_formats import TOKENS, WEB_TOKEN, TokenFormat
from buildkit.secret_names import SECRET_NAME


@dataclass(frozen=True, slots=True)
class Format:
    """A format; where none of ``marks`` is, the pattern need not look."""

    rule: str
    marks: tuple[bytes, ...]
    pattern: re.Pattern[bytes]

    def find(self, data: bytes) -> Iterator[re.Match[bytes]]:
        """Yield the places where a secret of this format is."""
        if any(mark in data for mark in self.marks):
            for found in self.pattern.finditer(data):
                if not found[0].endswith(b"EXAMPLE"):  # as in the manuals of AWS
                    yield found


def _format(rule: str, pattern: bytes, *marks: bytes) -> Format:
    return Format(rule, marks, re.compile(pattern))


def _known(item: TokenFormat) -> Format:
    return _format(item.rule, item.pattern.encode(), *(mark.encode() for mark in item.marks))


FORMATS = (
    _format(
        "private key",
        # Source code names the header without a key behind it.
        rb"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
        rb"[^\0]{0,300}?[A-Za-z0-9+/=]{40}[^\0-]{0,20000}",
        b"PRIVATE KEY",
    ),
    *(_known(item) for item in TOKENS),
)
"""Formats that are clear enough to be looked for in any file."""

_TEXTS = (
    _known(WEB_TOKEN),
    _format(
        "password in a URL", rb"(?<=://)[^/\s:@\"']{0,100}:(?![$<{*])[^/\s@\"']{1,200}(?=@)", b"://"
    ),
    _format(
        "authorization header",
        rb"(?i)authorization[\"']?\s{0,4}[:=]\s{0,4}[\"']?(?:bearer|basic|token)\s{1,4}"
        rb"(?![$<{])[^\s\"']{4,}",
        *(b"uthorization", b"UTHORIZATION"),
    ),
    _format(
        "password of curl",
        rb"\bcurl\s[^;&|]{0,500}?(?:-u|--user)[ =]?\S{1,100}?:(?!\$)\S+",
        b"curl",
    ),
)

_VALUE = r"(?![$<{`-]|\\?[\"']?(?:[$`]|[\"'\s]|$))\S"
_ASSIGNED = re.compile(rf"(?P<name>[A-Za-z_][\w.-]{{0,100}})\s?=\s?(?={_VALUE})")
_OPTION = re.compile(rf"--?(?P<name>[a-z][a-z-]{{0,60}})[ =](?={_VALUE})")
_ABOUT = re.compile(
    r"(?i)^(?:disabled|no|without)-|[_.-](?:file|path|dir|url|uri|name|id|user|ttl|timeout|length|lifetime|expir\w*|enabled"
    r"|header|algorithm|type|store|helper|provider|class|version)$"
)
_NO_SECRET = re.compile(
    r"(?i)(?:true|false|yes|no|none|null|on|off)?$|[$<{]|/(?:var/)?(?:run/)?secrets/"
)
"""What refers to a secret, or switches something."""


def is_secret_name(name: str) -> bool:
    """Tell whether a name is that of a secret, not of a file or an address of one."""
    return SECRET_NAME.search(name) is not None and _ABOUT.search(name) is None


def is_secret(name: str, value: str) -> bool:
    """Tell whether a variable holds a secret, by its name; a reference to another holds none."""
    return is_secret_name(name) and not _NO_SECRET.match(value.strip().strip("\"'"))


def formats_in(text: str) -> Iterator[str]:
    """Yield the rules by which a text holds a secret, each once."""
    data = text.encode("utf-8", "replace")
    for item in (*FORMATS, *_TEXTS):
        if next(item.find(data), None):
            yield item.rule


def formats_in_file(data: bytes) -> Iterator[str]:
    """Yield the rules by which a file's content is a secret, each once."""
    for item in FORMATS:
        if next(item.find(data), None):
            yield item.rule


def spans(text: str) -> list[tuple[int, int]]:
    """Return where secrets of known formats are in a text that is encoded as UTF-8."""
    data = text.encode("utf-8", "replace")
    return [found.span() for item in (*FORMATS, *_TEXTS) for found in item.find(data)]


def assignments(text: str) -> Iterator[tuple[str, int]]:
    """Yield names of secrets that a text gives a value, and where the value begins."""
    for pattern in (_ASSIGNED, _OPTION):
        for found in pattern.finditer(text):
            value = text[found.end() : found.end() + 200].split(maxsplit=1)[0]
            if is_secret(found["name"], value):
                yield found["name"], found.end()
