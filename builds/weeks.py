"""Weeks by their age, and the marks under a chart of weeks."""

from typing import Any


def week_label(age: int) -> str:
    """Name a week by its age."""
    return "last 7 days" if age == 0 else f"{age} week{'' if age == 1 else 's'} earlier"


def week_axis(count: int) -> list[dict[str, Any]]:
    """Return the marks of a chart of that many weeks, the newest last: both ends and the middle.

    ``x`` is in percent of the width.
    """
    if count < 3:
        return []
    marks = (0, count // 2, count - 1)
    return [{"x": 100 * at / (count - 1), "label": week_label(count - 1 - at)} for at in marks]
