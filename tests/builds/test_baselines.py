"""What steps usually take, and what the cache was worth, by hand-computed examples."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buildkit.model import StepKind, StepState
from builds.baselines import WINDOW, CacheWorth, History, cache_worth
from tests.builds.making import cached, step


def test_a_cold_build_has_ratio_zero():
    assert cache_worth([step(0, 0, 5), step(1, 5, 8)], {}) == CacheWorth(0.0, 0, "cold")


def test_cached_time_is_weighed_by_what_it_usually_takes():
    # 6 s saved, 2 s executed: 6 / 8
    worth = cache_worth([cached(0), step(1, 0, 2)], {"identity-0": 6.0, "identity-1": 100.0})
    assert worth == CacheWorth(0.75, 6.0, "partial")


def test_a_fully_cached_build_is_warm_even_without_baselines():
    assert cache_worth([cached(0)], {}) == CacheWorth(1.0, None, "warm")


def test_without_any_baseline_of_a_cached_step_the_ratio_is_unknown():
    assert cache_worth([cached(0), step(1, 0, 2)], {}) == CacheWorth(None, None, "")


def test_only_cacheable_steps_count_and_failed_ones_ran():
    steps = [
        step(0, 0, 50, kind=StepKind.FROM),
        cached(1),
        step(2, 0, 1, state=StepState.FAILED),
        step(3, 0, 9, state=StepState.SHARED),
    ]
    assert cache_worth(steps, {"identity-1": 19.0}) == CacheWorth(0.95, 19.0, "warm")


def test_nothing_cacheable_is_unknown():
    assert cache_worth([step(0, 0, 5, kind=StepKind.CONTEXT)], {}) == CacheWorth(None, 0, "")


class TestHistory:
    def test_the_median_of_earlier_builds(self):
        history = History(((10.0, 1, 4.0), (20.0, 2, 8.0), (30.0, 3, 100.0)))
        assert history.before(25.0, 9) == 6.0
        assert history.before(30.0, 3) == 6.0, "a build is not its own past"
        assert history.before(5.0, 9) is None

    def test_a_build_that_is_recorded_again_counts_once(self):
        history = History().with_run(10.0, 1, 4.0).with_run(10.0, 1, 5.0)
        assert history.runs == ((10.0, 1, 5.0),)

    def test_late_arrivals_take_their_place_in_time(self):
        history = History().with_run(20.0, 2, 2.0).with_run(10.0, 1, 1.0)
        assert [build for _, build, _ in history.runs] == [1, 2]

    @given(st.lists(st.tuples(st.floats(0, 1e9), st.integers(1, 60), st.floats(0, 1e5))))
    def test_it_keeps_the_latest_runs_in_order(self, runs):
        history = History()
        for started, build_id, seconds in runs:
            history = history.with_run(started, build_id, seconds)
        builds = [build for _, build, _ in history.runs]
        assert list(history.runs) == sorted(history.runs)
        assert len(builds) == len(set(builds)) <= WINDOW


@pytest.mark.parametrize(("ratio", "state"), [(0.09, "cold"), (0.1, "partial"), (0.9, "partial")])
def test_the_borders_of_the_states(ratio: float, state: str):
    saved, executed = ratio * 100, (1 - ratio) * 100
    worth = cache_worth([cached(0), step(1, 0, executed)], {"identity-0": saved})
    assert worth.cache_state == state
