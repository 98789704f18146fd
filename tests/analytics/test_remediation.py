"""Time to remediate, ages and burn-down, against values worked out by hand."""

from datetime import date, datetime, timedelta

import pandas as pd
import pytest

from analytics.remediation import (
    DAYS,
    ENDED,
    STANDING,
    Speed,
    ageing,
    by_day,
    frame,
    speed,
    total_by_day,
)

LAST = date(2026, 11, 30)
FIRST = date(2026, 9, 1)


def day(ago: int) -> datetime:
    return datetime(2026, 11, 30) - timedelta(days=ago)  # noqa: DTZ001


def standing(*rows: tuple[int, int, int]) -> pd.DataFrame:
    """Severity, days since it opened, count."""
    return frame(
        (
            ("api", ["production"], "", severity, day(ago), 0, 0, count)
            for severity, ago, count in rows
        ),
        STANDING,
    )


def ended(*rows: tuple[int, int, int]) -> pd.DataFrame:
    """Days since it opened, days since it was fixed, count."""
    return frame(
        (("api", [], "", 4, day(opened), day(fixed), count) for opened, fixed, count in rows), ENDED
    )


def test_open_ones_count_as_not_fixed_yet():
    # Ages at the fix: 2 (twice), 10; open since 5 and 20 days.
    found = speed(standing((4, 5, 1), (4, 20, 1)), ended((12, 10, 2), (30, 20, 1)), FIRST, LAST)
    # At 2 days 5 are at risk and 2 fixed: 0.6 left; at 10 days 2 are at risk and 1 fixed: 0.3.
    assert found == Speed(fixed=3, open=2, median_days=10, p90_days=None)
    # Without the open ones the median would be 2 days.
    assert speed(standing(), ended((12, 10, 2), (30, 20, 1)), FIRST, LAST).median_days == 2


def test_what_was_open_before_counts_from_the_age_it_had():
    # Fixed after 100 days, 90 of them before the period; one fixed after 3 days within it.
    found = speed(standing(), ended((190, 90, 1), (13, 10, 1)), date(2026, 8, 22), LAST)
    # At 3 days only the second is at risk: nothing is left, though the other took 100 days.
    assert (found.median_days, found.p90_days) == (3, 3)


def test_nothing_is_told_of_nothing():
    assert speed(standing(), ended(), FIRST, LAST) == Speed(0, 0, None, None)
    assert speed(standing((5, 3, 2)), ended(), FIRST, LAST) == Speed(0, 2, None, None)
    assert ageing(standing(), LAST) == {}
    assert by_day(frame([], DAYS), FIRST, LAST, "severity").sum().sum() == 0


@pytest.mark.parametrize(
    ("ago", "bucket"), [(0, 0), (7, 0), (8, 1), (30, 1), (31, 2), (90, 2), (180, 3), (181, 4)]
)
def test_ages_of_open_ones(ago: int, bucket: int):
    told = ageing(standing((5, ago, 3)), LAST)
    assert told == {5: [3 if place == bucket else 0 for place in range(5)]}


def test_what_was_open_at_the_end_of_each_day():
    first = date(2026, 11, 27)
    rows = [
        ("api", "", "", 4, day(3), 10, 4),
        ("api", "", "", 5, day(2), 2, 0),
        ("web", "", "", 4, day(2), 1, 0),
        ("api", "", "", 4, day(0), -3, 1),
    ]
    changes = frame(rows, DAYS)
    severities = by_day(changes, first, LAST, "severity")
    assert severities[4].tolist() == [10, 11, 11, 8]
    assert severities[5].tolist() == [0, 2, 2, 2]
    assert by_day(changes, first, LAST, "service")["web"].tolist() == [0, 1, 1, 1]
    assert total_by_day(changes, first, LAST, "overdue").tolist() == [4, 4, 4, 5]
