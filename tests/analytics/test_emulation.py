"""What emulation costs: hand-computed, and whatever the runs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.emulation import (
    ENOUGH_BUILDS,
    Run,
    bootstrap_median,
    costliest,
    is_emulated,
    pairs_of,
    slowdowns,
)

AMD, ARM = "linux/amd64", "linux/arm64"


def run(build: int, step: str, platform: str, seconds: float, on: str = "", own: str = AMD) -> Run:
    return Run(build, step, platform, on or platform, own, seconds)


def both(build: int, step: str, native: float, emulated: float) -> list[Run]:
    return [run(build, step, AMD, native), run(build, step, ARM, emulated)]


def test_pairs_are_one_step_of_one_build():
    runs = [*both(1, "install", 10, 40), *both(1, "test", 2, 4), *both(2, "install", 10, 60)]
    [found] = slowdowns(pairs_of(runs))
    assert (found.platform, found.builder, found.builds, found.pairs) == (ARM, AMD, 2, 3)
    # ratios 4, 2 and 6; 40 + 4 + 60 less 10 + 2 + 10
    assert (found.ratio, found.cost_seconds) == (4, 82)
    assert (found.low, found.high) == (None, None), "two builds have no interval"
    first, second = costliest(pairs_of(runs), 5)
    assert (first.step, first.build, first.pairs, first.ratio) == ("install", 2, 2, 5)
    assert (first.native_seconds, first.emulated_seconds, first.cost_seconds) == (20, 100, 80)
    assert (second.step, second.cost_seconds) == ("test", 2)
    assert [item.step for item in costliest(pairs_of(runs), 1)] == ["install"]


def test_a_cached_native_step_is_stood_for_by_its_usual_and_told_apart():
    usual = Run(2, "a", AMD, AMD, AMD, 5, is_usual=True)
    measured, against_usual = slowdowns(
        pairs_of([*both(1, "a", 4, 8), usual, run(2, "a", ARM, 20)])
    )
    assert (measured.is_usual, measured.pairs, measured.ratio) == (False, 1, 2)
    assert (against_usual.is_usual, against_usual.pairs, against_usual.ratio) == (True, 1, 4)


def test_an_emulated_step_from_the_cache_is_no_pair():
    cached = Run(1, "a", ARM, ARM, AMD, 9, is_usual=True)
    assert slowdowns(pairs_of([run(1, "a", AMD, 4), cached])) == []


def test_what_ran_on_one_platform_only_is_no_pair():
    runs = [run(1, "a", AMD, 5), run(2, "a", ARM, 9), run(3, "b", ARM, 9), run(3, "a", AMD, 1)]
    assert slowdowns(pairs_of(runs)) == []


def test_cross_compiling_is_native():
    runs = [run(1, "make", AMD, 10), run(1, "make", ARM, 11, on=AMD)]
    assert slowdowns(pairs_of(runs)) == []


def test_a_step_without_time_has_no_ratio():
    assert slowdowns(pairs_of(both(1, "a", 0, 3))) == []


def test_nothing_in_nothing_out():
    assert list(pairs_of([]).columns) == list(pairs_of(both(1, "a", 1, 2)).columns)
    assert (slowdowns(pairs_of([])), costliest(pairs_of([]), 3)) == ([], [])


def test_foreign_platforms_are_told_apart_the_costliest_first():
    runs = [*both(1, "a", 1, 3), run(1, "a", "linux/s390x", 9)]
    found = slowdowns(pairs_of(runs))
    assert [(item.platform, item.ratio) for item in found] == [("linux/s390x", 9), (ARM, 3)]


@pytest.mark.parametrize(
    ("platform", "builder", "expected"),
    [
        (ARM, AMD, True),
        (AMD, ARM, True),
        (AMD, AMD, False),
        ("linux/amd64/v3", AMD, False),
        ("linux/arm64/v8", ARM, False),
        ("linux/386", AMD, False),
        (AMD, "linux/386", True),
        ("linux/arm/v7", ARM, None),
        ("linux/arm/v7", AMD, True),
        ("", AMD, None),
        (ARM, "", None),
        ("nonsense", AMD, None),
    ],
)
def test_what_has_to_be_emulated(platform: str, builder: str, expected: bool | None):
    assert is_emulated(platform, builder) is expected


def test_the_interval_is_that_of_builds_and_not_of_steps():
    # Five builds of ten steps: all steps of a build are as slow as it is.
    values = np.repeat([2.0, 3.0, 4.0, 5.0, 6.0], 10)
    builds = np.repeat(np.arange(5), 10)
    assert bootstrap_median(values, builds) == (2.0, 6.0)
    assert bootstrap_median(values, builds) == bootstrap_median(values[::-1], builds[::-1])


RATIOS = st.lists(st.floats(0.01, 100), min_size=1, max_size=6)


@settings(deadline=None, max_examples=50)
@given(st.lists(RATIOS, min_size=ENOUGH_BUILDS, max_size=12))
def test_an_interval_lies_within_the_values(of_builds: list[list[float]]):
    values = np.array([ratio for ratios in of_builds for ratio in ratios])
    builds = np.array([number for number, ratios in enumerate(of_builds) for _ in ratios])
    found = bootstrap_median(values, builds)
    assert found is not None
    low, high = found
    assert values.min() <= low <= high <= values.max()


@settings(deadline=None, max_examples=20)
@given(
    st.lists(st.tuples(st.floats(0.1, 50), st.floats(1.0, 9.0)), min_size=5, max_size=20),
    st.floats(0.5, 20),
)
def test_the_unit_of_time_does_not_matter_for_ratios(steps, unit: float):
    def found(scale: float):
        runs = [
            item
            for number, (seconds, ratio) in enumerate(steps)
            for item in both(number, "a", seconds * scale, seconds * ratio * scale)
        ]
        return slowdowns(pairs_of(runs))[0]

    one, other = found(1.0), found(unit)
    assert other.ratio == pytest.approx(one.ratio)
    assert (other.low, other.high) == pytest.approx((one.low, one.high))
    assert other.cost_seconds == pytest.approx(one.cost_seconds * unit)
