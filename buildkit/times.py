"""Times as BuildKit writes them, read to nanoseconds since the Unix epoch (UTC)."""

import re
from datetime import date
from functools import lru_cache

from buildkit.values import INT64_MAX, as_int

NANOSECONDS = 1_000_000_000
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,18}))?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII
)


def from_parts(seconds: int, nanos: int) -> int | None:
    """Nanoseconds of a protobuf timestamp; ``None`` for what cannot be a time of a build.

    Go's zero time is year 1 and protobuf's is 1970: both mean "not set". Times past 2262 do not
    fit 64 bits.
    """
    if seconds <= 0 or not 0 <= nanos < NANOSECONDS:
        return None
    total = seconds * NANOSECONDS + nanos
    return total if total <= INT64_MAX else None


def parse_time(value: object) -> int | None:
    """Read an RFC 3339 string, or the ``{"seconds", "nanos"}`` of newer history records."""
    if isinstance(value, str):
        return _parse_text(value)
    if isinstance(value, dict):
        return from_parts(as_int(value.get("seconds")) or 0, as_int(value.get("nanos")) or 0)
    return None


def seconds_between(start_ns: int, end_ns: int) -> float:
    """Seconds from one time to another."""
    return (end_ns - start_ns) / NANOSECONDS


def _parse_text(text: str) -> int | None:
    match = _RFC3339.fullmatch(text)
    if match is None:
        return None
    stamp, fraction, sign, hours, minutes = match.groups()
    seconds = _epoch_seconds(stamp)
    if seconds is None:
        return None
    if sign is not None:
        offset = int(hours) * 3600 + int(minutes) * 60
        seconds += offset if sign == "-" else -offset
    return from_parts(seconds, int(fraction[:9].ljust(9, "0")) if fraction else 0)


@lru_cache(maxsize=4096)
def _epoch_seconds(stamp: str) -> int | None:
    try:
        day = date(int(stamp[:4]), int(stamp[5:7]), int(stamp[8:10])).toordinal() - _EPOCH_DAY
    except ValueError:
        return None
    hour, minute, second = int(stamp[11:13]), int(stamp[14:16]), int(stamp[17:19])
    if hour > 23 or minute > 59 or second > 60:
        return None
    return day * 86_400 + hour * 3600 + minute * 60 + second
