"""Hit ratios and time saved, by hand-computed examples."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.columns import SUMS
from analytics.worth import by_cost, frame_of, totals

NOTHING = dict.fromkeys(SUMS, 0)


def row(target: str, **sums: float) -> dict[str, object]:
    return {"target": target, **NOTHING, **sums}


ROWS = [
    row("a", builds=3, cacheable_steps=12, cached_steps=9, saved_seconds=18, executed_seconds=6),
    row("b", builds=1, cacheable_steps=4, cached_steps=3, saved_seconds=4, executed_seconds=12),
    row("c", builds=1),
]


def test_ratios_are_of_sums_and_not_means_of_ratios():
    found = totals(frame_of(ROWS, "target"))
    assert (found["builds"], found["cached_steps"], found["cacheable_steps"]) == (5, 12, 16)
    assert found["hit_ratio_steps"] == 0.75
    assert found["hit_ratio_time"] == pytest.approx(22 / 40)


def test_groups_that_cost_most_come_first():
    found = by_cost(frame_of(ROWS, "target"))
    assert list(found) == ["b", "a", "c"]
    assert found["a"]["hit_ratio_time"] == pytest.approx(18 / 24)
    assert found["b"]["hit_ratio_steps"] == 0.75
    assert found["c"]["hit_ratio_steps"] is None


def test_without_builds_nothing_is_known():
    found = totals(frame_of([], "target"))
    assert (found["builds"], found["hit_ratio_steps"], found["hit_ratio_time"]) == (0, None, None)
    assert by_cost(frame_of([], "target")) == {}


COUNT = st.integers(0, 1000)


@given(st.lists(st.tuples(COUNT, COUNT, st.floats(0, 1e6), st.floats(0, 1e6)), max_size=20))
def test_ratios_lie_between_none_and_all(groups: list[tuple[int, int, float, float]]):
    rows = [
        row(
            str(number),
            cached_steps=hits,
            cacheable_steps=hits + misses,
            saved_seconds=saved,
            executed_seconds=executed,
        )
        for number, (hits, misses, saved, executed) in enumerate(groups)
    ]
    frame = frame_of(rows, "target")
    for found in [totals(frame), *by_cost(frame).values()]:
        for name in ("hit_ratio_steps", "hit_ratio_time"):
            assert found[name] is None or 0 <= found[name] <= 1
