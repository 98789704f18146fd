"""Weeks by their age, and the marks under charts of weeks and of days."""

from datetime import date, timedelta
from typing import Any

from django.utils.dateformat import format as formatted


def week_label(age: int) -> str:
    """Name a week by its age."""
    return "last 7 days" if age == 0 else f"{age} week{'' if age == 1 else 's'} earlier"


def week_days(age: int, today: date) -> tuple[date, date]:
    """Return the first day of a week by its age, and the day after its last."""
    end = today + timedelta(days=1 - 7 * age)
    return end - timedelta(days=7), end


def week_axis(count: int) -> list[dict[str, Any]]:
    """Return the marks of a chart of that many weeks, the newest last: both ends and the middle.

    ``x`` is in percent of the width.
    """
    if count < 3:
        return []
    marks = (0, count // 2, count - 1)
    return [{"x": 100 * at / (count - 1), "label": week_label(count - 1 - at)} for at in marks]


def day_axis(first: date, last: date) -> list[dict[str, Any]]:
    """Return the marks of a chart of days: its ends."""
    return [
        {"x": 0, "label": formatted(first, "j M Y")},
        {"x": 100, "label": formatted(last, "j M Y")},
    ]
