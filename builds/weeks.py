"""Weeks by their age."""

from datetime import date, timedelta


def week_label(age: int) -> str:
    """Name a week by its age."""
    return "last 7 days" if age == 0 else f"{age} week{'' if age == 1 else 's'} earlier"


def week_days(age: int, today: date) -> tuple[date, date]:
    """Return the first day of a week by its age, and the day after its last."""
    end = today + timedelta(days=1 - 7 * age)
    return end - timedelta(days=7), end
