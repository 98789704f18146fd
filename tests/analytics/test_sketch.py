"""Distributions in buckets: close to the exact quantiles, however they are added up."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.sketch import merged, quantiles, sketch, weighted_sketch

SHARES = (0.25, 0.5, 0.75, 0.95)


def exact(values: list[float], share: float) -> float:
    return float(np.percentile(values, 100 * share))


def test_by_hand():
    found = quantiles(sketch([10, 20, 30, 40, 50], "s"), SHARES, "s")
    assert found is not None
    assert found == pytest.approx([20, 30, 40, 48], rel=0.01)
    assert quantiles(sketch([0.0, 0.5, 1.0], "ratio"), (0.0, 0.5, 1.0), "ratio") == [0.0, 0.5, 1.0]
    assert quantiles({}, SHARES, "s") is None
    assert quantiles(sketch([0.0, 0.0], "s"), (0.5,), "s") == [0.0]


@given(st.lists(st.floats(1e-6, 1e15), min_size=1, max_size=200))
def test_a_quantile_is_off_by_one_percent_at_most(values: list[float]):
    found = quantiles(sketch(values, "bytes"), SHARES, "bytes")
    assert found is not None
    for share, value in zip(SHARES, found, strict=True):
        assert value == pytest.approx(exact(values, share), rel=0.0100001)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=200))
def test_a_ratio_is_off_by_half_a_point_at_most(values: list[float]):
    found = quantiles(sketch(values, "ratio"), SHARES, "ratio")
    assert found is not None
    for share, value in zip(SHARES, found, strict=True):
        assert value == pytest.approx(exact(values, share), abs=0.0050001)


@given(st.lists(st.lists(st.floats(0, 1e9), max_size=20), max_size=10))
def test_parts_added_up_are_the_whole(parts: list[list[float]]):
    whole = sketch([value for part in parts for value in part], "s")
    assert merged(sketch(part, "s") for part in parts) == whole


def test_weights_count_in_thousandths_and_shift_quantiles():
    made = weighted_sketch([(0.2, 1.5), (0.9, 4.5), (0.2, 0.5)], "ratio")
    assert made == {"20": 2000, "90": 4500}
    assert quantiles(made, [0.25, 0.5], "ratio") == [0.2, 0.9]
