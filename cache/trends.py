"""How what a cache takes grows by day, drawn and told, and when it reaches its limit."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from analytics.growth import ENOUGH, Growth, growth
from buildinsights.charts import Chart, Level, Spot, draw
from buildinsights.templatetags.formats import duration, filesize

DAY_SECONDS = 86_400

type Days = list[tuple[date, float]]
"""Days on which somebody looked, and the bytes that were found."""


@dataclass(frozen=True, slots=True)
class Limit:
    """Bytes that are allowed, ``None`` without a limit; what to say then, and of a reached one."""

    size_bytes: int | None
    without: str
    reached: str


def trend(days: Days, limit: Limit) -> dict[str, Any]:
    """Return ``days``, the ``chart`` of them (components/plot.html), and the sentence below it."""
    used = [value for _, value in days]
    grown = growth([day.toordinal() for day, _ in days], used, limit.size_bytes)
    return {
        "days": days,
        "chart": _chart(days, limit),
        "sentence": sentence(grown, limit, len(days)),
    }


def _chart(days: Days, limit: Limit) -> dict[str, Any] | None:
    """Return the sizes by day, with the limit if it is near."""
    allowed = limit.size_bytes
    levels = [] if allowed is None else [Level(f"Limit {filesize(allowed)}", allowed)]
    return draw(
        Chart(
            spots=[Spot(day, used, [str(filesize(used))]) for day, used in days],
            unit="bytes",
            shown=filesize,
            summary=f"Size by day, at most {filesize(max((used for _, used in days), default=0))}",
            name="Size",
            levels=levels,
        )
    )


def sentence(grown: Growth | None, limit: Limit, days: int) -> str:
    """Say how the cache grows and when its limit is reached, or what is missing to say so."""
    if grown is None:
        return f"A trend takes {ENOUGH} days with a snapshot; there are {days}."
    said = (
        f"It grows by {filesize(grown.a_day)} a day"
        if grown.a_day > 0
        else f"It shrinks by {filesize(-grown.a_day)} a day"
        if grown.a_day < 0
        else "It keeps its size"
    )
    said += f" (95 % interval {filesize(grown.low)} to {filesize(grown.high)})"
    if limit.size_bytes is None:
        return f"{said}. {limit.without}"
    return f"{said}. {_forecast(grown, limit.size_bytes, limit.reached)}"


def _forecast(grown: Growth, limit: int, reached: str) -> str:
    if grown.days_left == 0:
        return f"The limit of {filesize(limit)} is reached: {reached}"
    if grown.days_left is None:
        return f"At this rate the limit of {filesize(limit)} is not reached."
    latest = "later or never" if grown.latest is None else f"in {_days(grown.latest)}"
    earliest = _days(grown.earliest or 0.0)
    likely = _days(grown.days_left)
    return (
        f"The limit of {filesize(limit)} is reached in about {likely}: "
        f"at the earliest in {earliest}, at the latest {latest}."
    )


def _days(days: float) -> str:
    return f"{days:.0f} days" if days >= 2 else str(duration(round(days * DAY_SECONDS)))
