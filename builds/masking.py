"""Masking what looks like a secret in logs, before it is stored."""

import re

from buildkit.secret_formats import TOKENS, WEB_TOKEN
from buildkit.secret_names import SECRET_NAME

MASK = "••••••"

PATTERNS: tuple[re.Pattern[str], ...] = (
    re.compile(r"(?<=://)[^/\s:@]*:([^/\s@]+)(?=@)"),
    re.compile(r"(?i)authorization\s{0,4}[:=]\s{0,4}(?:(?:bearer|basic|token)\s{1,4})?(\S+)"),
    re.compile(
        r"(?i)(?:password|passwd|secret|token|api[_-]?key|private[_-]?key|access[_-]?key)"
        r"[\w.-]{0,60}\s{0,4}[=:]\s{0,4}[\"']?([^\s\"',;]{4,})"
    ),
)
"""Each has one group: the part that is replaced.

No two unbounded repeats can meet on the same text, so that hostile logs cost linear time.
"""

_TOKENS = tuple((item.marks, re.compile(item.pattern)) for item in (*TOKENS, WEB_TOKEN))

PRIVATE_KEY = re.compile(
    r"(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
)


def mask_secrets(text: str) -> str:
    """Replace what looks like a credential; lines stay where they are."""
    if not text:
        return text
    text = PRIVATE_KEY.sub(_mask_key, text)
    for pattern in PATTERNS:
        text = pattern.sub(_mask_group, text)
    for marks, pattern in _TOKENS:
        if any(mark in text for mark in marks):
            text = pattern.sub(MASK, text)
    return text


def _mask_group(match: re.Match[str]) -> str:
    start, end = match.start(1) - match.start(), match.end(1) - match.start()
    return match[0][:start] + MASK + match[0][end:]


def _mask_key(match: re.Match[str]) -> str:
    return match[1] + "\n" * match[0].count("\n") + match[2]


def mask_values(values: dict[str, str]) -> dict[str, str]:
    """Mask the values whose names say that they are secret, and what looks secret in others."""
    return {
        name: MASK if SECRET_NAME.search(name) and value else mask_secrets(value)
        for name, value in values.items()
    }
