"""How many builds were there at once: hand-computed, and what holds of any."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.occupancy import Span, beside, occupancy


def test_time_of_builds_time_with_any_and_the_most():
    # 0-10 and 5-15 overlap for 5 s; 15-20 begins as the second ends; 30-99 is cut at 40.
    found = occupancy([(0, 10), (5, 15), (15, 20), (30, 99)], 0, 40)
    assert (found.busy_seconds, found.occupied_seconds, found.most) == (35, 30, 2)


def test_nobody_was_there():
    found = occupancy([(0, 10), (50, 60), (20, 20)], 20, 40)
    assert (found.busy_seconds, found.occupied_seconds, found.most) == (0, 0, 0)


def test_others_are_a_mean_by_time_of_the_intervals():
    # 10 s in two intervals: the first other for 2 + 3 s of them, the second for 1 s.
    assert beside([(0, 4), (10, 16)], [(2, 13), (15, 40)]) == pytest.approx((2 + 3 + 1) / 10)
    assert beside([(0, 4)], []) == beside([(4, 4)], [(0, 9)]) == beside([], [(0, 9)]) == 0


spans = st.lists(
    st.tuples(st.integers(0, 50), st.integers(1, 20)).map(lambda p: (p[0], p[0] + p[1])),
    min_size=1,
    max_size=8,
)


@given(spans, st.integers(1, 60))
def test_two_parts_of_a_time_are_the_whole(several: list[Span], cut: int):
    whole, left, right = (occupancy(several, *ends) for ends in ((0, 80), (0, cut), (cut, 80)))
    assert left.busy_seconds + right.busy_seconds == whole.busy_seconds
    assert left.occupied_seconds + right.occupied_seconds == whole.occupied_seconds
    assert max(left.most, right.most) == whole.most
    assert whole.occupied_seconds <= whole.busy_seconds <= whole.most * whole.occupied_seconds
