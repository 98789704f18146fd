"""The effect of advice that was followed, by hand."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buildkit.advising import effect
from buildkit.advising.effects import ENOUGH, LARGEST, interval_of_sum

SECONDS = st.lists(st.floats(0, 1000, allow_subnormal=False), min_size=ENOUGH, max_size=ENOUGH + 4)


def test_too_few_builds_tell_nothing():
    assert effect([1.0] * 7, [1.0] * 8) is None
    assert effect([1.0] * 8, [1.0] * 7) is None


def test_equal_builds_have_no_width():
    found = effect([12.0] * 8, [2.0] * 8)
    assert found
    assert (found.before, found.after, found.difference) == (12.0, 2.0, -10.0)
    assert (found.low, found.high) == (-10.0, -10.0)


def test_an_interval_by_hand():
    # Half of each side is 0 and half is 2: a mean of 8 such has deviation 1 / sqrt(8), the
    # difference of two 0.5; 95 % of a normal one are 0.98 to both sides.
    found = effect([0.0, 2.0] * 4, [10.0, 12.0] * 4)
    assert found
    assert found.difference == 10
    assert found.low == pytest.approx(9.02, abs=0.05)
    assert found.high == pytest.approx(10.98, abs=0.05)


def test_only_builds_next_to_the_change_count():
    found = effect([100.0] + [1.0] * LARGEST, [2.0] * LARGEST + [100.0])
    assert found
    assert (found.before, found.after) == (1.0, 2.0)


@settings(max_examples=20)
@given(SECONDS, SECONDS, st.floats(-100, 100))
def test_a_shift_shifts_both_ends(before: list[float], after: list[float], by: float):
    one, other = effect(before, after), effect(before, [value + by for value in after])
    assert one
    assert other
    for name in ("difference", "low", "high"):
        assert getattr(other, name) == pytest.approx(getattr(one, name) + by, abs=1e-6)
    assert one.low <= one.high


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    random = Random(5)  # noqa: S311 - a simulation
    hits = 0
    for _ in range(40):
        before = [random.expovariate(0.1) for _ in range(20)]
        after = [random.expovariate(0.2) for _ in range(20)]
        found = effect(before, after)
        hits += found is not None and found.low <= -5 <= found.high
    assert hits >= 34


def test_the_interval_of_a_sum_holds_it_and_needs_enough_builds():
    assert interval_of_sum([1.0] * (ENOUGH - 1)) is None
    assert interval_of_sum([2.0] * 10) == (20.0, 20.0), "all alike: nothing is left to chance"
    low, high = interval_of_sum([0.0] * 10 + [10.0] * 10) or (0.0, 0.0)
    # A count of twenty throws of a coin: 95 % lie within 6 and 14.
    assert low == pytest.approx(60, abs=10)
    assert high == pytest.approx(140, abs=10)
