"""How numbers, times and digests look on a page.

Every filter takes ``None`` as "not recorded" and says so in words: an unknown is never shown as 0.
The library is built into the template engine, so templates use it without ``{% load %}``.
"""

import re
from datetime import UTC, datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html, format_html_join, json_script
from django.utils.safestring import SafeString

register = template.Library()

MINUTE, HOUR, DAY = 60, 3_600, 86_400
SIZE_UNITS = ("kB", "MB", "GB", "TB", "PB")
LEVEL_STATES = {"success": "succeeded", "warning": "lost", "error": "failed"}
"""The state whose icon and colour a message of Django's messages framework borrows."""
DIGEST_LENGTH = 12
"""Hex digits of a digest that people compare by eye, as `docker images` prints them."""


@register.simple_tag
def unknown(word: str = "unknown") -> SafeString:
    """Return the muted word that stands where a value was not recorded."""
    return format_html('<span class="unknown">{}</span>', word)


@register.filter
def duration(seconds: float | None) -> str | SafeString:
    """Write seconds with at most two units: ``350 ms``, ``16.5 s``, ``1 m 16.5 s``, ``2 h 5 m``."""
    if seconds is None:
        return unknown()
    sign = "−" if seconds < 0 else ""
    return sign + _duration(abs(seconds))


def _duration(seconds: float) -> str:
    """Write non-negative seconds; each branch rounds first, so that 59.96 becomes ``1 m 0 s``."""
    if round(seconds * 1000) < 1000:
        return f"{seconds * 1000:.0f} ms" if round(seconds * 1000) else "0 s"
    if round(seconds, 1) < MINUTE:
        return f"{_trimmed(seconds)} s"
    if round(seconds, 1) < HOUR:
        minutes, rest = divmod(round(seconds, 1), MINUTE)
        return f"{minutes:.0f} m {_trimmed(rest)} s"
    if round(seconds / MINUTE) < DAY / MINUTE:
        hours, minutes = divmod(round(seconds / MINUTE), 60)
        return f"{hours} h {minutes} m"
    days, hours = divmod(round(seconds / HOUR), 24)
    return f"{days} d {hours} h"


def _trimmed(number: float) -> str:
    """Write one decimal, and none where it would be zero."""
    return f"{number:.1f}".removesuffix(".0")


@register.filter
def signed_duration(seconds: float | None) -> str | SafeString:
    """Write a difference in seconds with its sign: ``+12.5 s``, ``−3 s``, ``0 s``."""
    if seconds is None:
        return unknown()
    text = duration(seconds)
    return f"+{text}" if round(seconds, 3) > 0 else text


@register.filter
def filesize(size_bytes: float | None) -> str | SafeString:
    """Write bytes in decimal units with one decimal at most: ``12.3 MB``."""
    if size_bytes is None:
        return unknown()
    sign, size = ("−" if size_bytes < 0 else ""), abs(size_bytes)
    units = iter(SIZE_UNITS)
    unit = "B"
    while round(size, 1) >= 1000 and unit != SIZE_UNITS[-1]:
        size, unit = size / 1000, next(units)
    return f"{sign}{_trimmed(size)} {unit}"


@register.filter
def signed_filesize(size_bytes: float | None) -> str | SafeString:
    """Write a difference in bytes with its sign: ``+4.1 MB``."""
    if size_bytes is None:
        return unknown()
    text = filesize(size_bytes)
    return f"+{text}" if size_bytes > 0 else text


@register.filter
def ratio(value: float | None) -> str | SafeString:
    """Write a ratio as percent: ``82 %``.

    ``99.6 %`` keeps its decimal, and so does ``0.4 %``: nearly all is not all, few is not none.
    """
    if value is None:
        return unknown()
    percent = value * 100
    near_an_end = 0 < percent < 1 or 99 < percent < 100
    if near_an_end and f"{percent:.1f}" not in {"0.0", "100.0"}:
        return f"{percent:.1f} %"
    if near_an_end:
        return "< 0.1 %" if percent < 1 else "> 99.9 %"
    return f"{percent:.0f} %".replace("-", "−")


@register.filter
def signed_ratio(value: float | None) -> str | SafeString:
    """Write a relative change as percent with its sign: ``+8 %``, ``−12 %``, ``0 %``."""
    if value is None:
        return unknown()
    percent = round(value * 100)
    sign = "+" if percent > 0 else "−" if percent < 0 else ""
    return f"{sign}{abs(percent)} %"


@register.filter
def points(value: float | None) -> str | SafeString:
    """Write a difference of ratios in percentage points with its sign: ``+8 points``."""
    if value is None:
        return unknown()
    whole = round(value * 100)
    sign = "+" if whole > 0 else "−" if whole < 0 else ""
    return f"{sign}{abs(whole)} point{'' if abs(whole) == 1 else 's'}"


@register.filter
def number(value: float | None) -> str | SafeString:
    """Write a count with thin spaces between thousands; a float keeps one decimal."""
    if value is None:
        return unknown()
    text = f"{value:,}" if isinstance(value, int) else f"{value:,.1f}".removesuffix(".0")
    return text.replace(",", "\u202f").replace("-", "−")


def counted(count: int, noun: str, more: str = "") -> str:
    """Return ``1 build``, ``2 builds``; ``more`` is another plural."""
    return f"{count} {noun if count == 1 else more or noun + 's'}"


@register.filter
def moment(when: datetime | None) -> SafeString:
    """Write a point in time as ``2024-05-29 08:07 UTC``; the browser turns it into local time."""
    if when is None:
        return unknown()
    utc = when.astimezone(UTC)
    return format_html(
        '<time datetime="{}">{}</time>', utc.isoformat(), f"{utc:%Y-%m-%d %H:%M} UTC"
    )


@register.filter
def ago(when: datetime | None) -> SafeString:
    """Write how long ago a point in time was, with the exact time as its title."""
    if when is None:
        return unknown()
    utc = when.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{}" data-relative>{}</time>',
        utc.isoformat(),
        f"{utc:%Y-%m-%d %H:%M:%S} UTC",
        _distance((timezone.now() - when).total_seconds()),
    )


def _distance(seconds: float) -> str:
    """Write the largest whole unit between now and then."""
    if abs(seconds) < MINUTE:
        return "just now"
    size, name = next(
        (size, name)
        for size, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min"))
        if abs(seconds) >= size
    )
    amount = f"{abs(seconds) // size:.0f} {name}"
    return f"{amount} ago" if seconds > 0 else f"in {amount}"


@register.filter
def short_digest(digest: str | None) -> str | SafeString:
    """Write the first 12 hex digits of ``sha256:…`` or of a revision."""
    if not digest:
        return unknown()
    return digest.rpartition(":")[2][:DIGEST_LENGTH]


@register.filter
def short_digests(text: str) -> str:
    """Write digests within a text by their first 12 hex digits."""
    return re.sub(rf"(sha256:[0-9a-f]{{{DIGEST_LENGTH}}})[0-9a-f]+", r"\1", text)


@register.filter
def inline_code(text: str) -> SafeString:
    """Set what stands between backticks as code; all else is escaped as usual."""
    parts = re.split(r"`([^`]+)`", text)
    shown = (
        format_html("<code>{}</code>" if n % 2 else "{}", part) for n, part in enumerate(parts)
    )
    return format_html_join("", "{}", ((part,) for part in shown))


@register.filter
def json_data(value: Any) -> SafeString:
    """Write data for a script of the page to read: escaped, and never run."""
    return json_script(value)


@register.filter
def level_state(level_tag: str) -> str:
    """Return the state that a message's level looks like: ``error`` looks like ``failed``."""
    return LEVEL_STATES.get(level_tag, "info")
