"""Trends and when they reach a limit: hand-computed, and whatever the series."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.growth import ENOUGH, growth

DAYS = list(range(10))


def test_a_straight_line_is_found_exactly():
    found = growth(DAYS, [100 + 5 * day for day in DAYS], limit=200)
    assert found is not None
    assert (found.a_day, found.low, found.high, found.level) == (5, 5, 5, 145)
    assert (found.days_left, found.earliest, found.latest) == (11, 11, 11)


def test_one_odd_value_does_not_move_it():
    values = [100.0 + 5 * day for day in DAYS]
    values[4] = 10_000
    found = growth(DAYS, values, limit=None)
    assert found is not None
    assert found.a_day == pytest.approx(5)
    assert found.days_left is None


def test_what_shrinks_reaches_no_limit_and_what_is_above_it_is_there():
    shrinking = growth(DAYS, [100 - day for day in DAYS], limit=200)
    above = growth(DAYS, [300 + day for day in DAYS], limit=200)
    assert shrinking is not None
    assert above is not None
    assert (shrinking.days_left, shrinking.latest) == (None, None)
    assert above.days_left == 0


def test_too_few_points_tell_nothing():
    assert growth(DAYS[: ENOUGH - 1], [1.0] * (ENOUGH - 1), limit=10) is None


@given(st.lists(st.floats(0, 1e12), min_size=ENOUGH, max_size=40))
def test_the_slope_lies_in_its_interval(values: list[float]):
    found = growth(range(len(values)), values, limit=1e13)
    assert found is not None
    assert found.low <= found.a_day <= found.high
    mirrored = growth(range(len(values)), [-value for value in values], limit=None)
    assert mirrored is not None
    assert (mirrored.low, mirrored.high) == (-found.high, -found.low)
    if found.earliest is not None and found.days_left is not None:
        assert found.earliest <= found.days_left
