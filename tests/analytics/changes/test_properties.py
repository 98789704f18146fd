"""What holds of any series."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.changes import Event, Observation, Params, State, alerts, follow, update
from tests.analytics.changes.series import builds, times, told

SEEDS = st.integers(0, 10_000)
FEW = settings(max_examples=8, deadline=None)


def mixed(seed: int) -> tuple[np.ndarray, dict[str, list[str]]]:
    """Return seconds with a step or two and their runners."""
    rng = np.random.default_rng(seed)
    first, second = sorted(rng.integers(15, 85, 2).tolist())
    level = np.ones(100)
    level[first:] *= rng.uniform(0.7, 1.6)
    level[second:] *= rng.uniform(0.7, 1.6)
    kinds = rng.choice(["a", "b"], 100)
    values = times((100, 100), seed=seed) * level * np.where(kinds == "b", 1.2, 1.0)
    return values, {"runner": kinds.tolist()}


@FEW
@given(SEEDS, st.integers(10, 99))
def test_what_a_prefix_told_stays_told(seed: int, cut: int):
    values, covariates = mixed(seed)
    whole = told(values, covariates=covariates)
    start = told(values[:cut], covariates={"runner": covariates["runner"][:cut]})
    assert start == [event for event in whole if event.seen_at < cut]


@FEW
@given(SEEDS)
def test_a_state_may_go_through_json_at_any_build(seed: int):
    values, covariates = mixed(seed)
    many = builds(values, covariates)
    state, events = State("s"), list[Event]()
    for build in many:
        state, more = update(State.load(json.loads(json.dumps(state.dump()))), build)
        events.extend(more)
    assert events == follow(many, "s")


@FEW
@given(SEEDS, st.sampled_from([0.1, 7.0, 1000.0]), st.sampled_from(["s", "bytes", ""]))
def test_the_measure_does_not_matter(seed: int, factor: float, unit: str):
    values, _ = mixed(seed)
    values = values * 1e4
    assert alerts(told(values * factor, unit)) == alerts(told(values, unit))


def alarms_of_a_mix(seed: int) -> int:
    """How often 100 builds are told of whose share of slow runners changes somewhere."""
    rng = np.random.default_rng(seed)
    share = np.where(np.arange(100) < rng.integers(20, 81), 0.2, 0.8)
    slow = rng.random(100) < share
    values = 100 * np.exp(rng.normal(0, 0.03, 100)) * np.where(slow, 1.35, 1.0)
    return len(alerts(told(values, covariates={"runner": slow.tolist()})))


def test_the_mix_of_runners_alone_raises_next_to_nothing():
    # False alarms are rare, not impossible: without covariates most of these would raise one.
    assert sum(alarms_of_a_mix(seed) for seed in range(20)) <= 1


@FEW
@given(SEEDS)
def test_the_same_input_tells_the_same(seed: int):
    values, covariates = mixed(seed)
    assert told(values, covariates=covariates) == told(values, covariates=covariates)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.floats(0, 1e12), min_size=10, max_size=40),
    st.sampled_from(["s", "bytes", ""]),
)
def test_no_series_is_too_odd(values: list[float], unit: str):
    for event in told(values, unit):
        assert 0 <= event.index <= event.seen_at < len(values)
        assert event.low <= event.high
        assert 0 <= event.p <= 1


def test_a_state_stays_bounded():
    params = Params(window=50)
    state = State("s")
    for place, value in enumerate(times((150, 100))):
        state, _ = update(state, Observation(value, None, {"branch": f"b{place}"}), params)
    assert state.seen == 150
    assert state.begins == 100
    assert len(state.values) == len(state.timestamps) == len(state.covariates["branch"]) == 50


def test_a_covariate_that_nobody_states_any_more_is_forgotten():
    params, state = Params(window=10), State("s")
    for place in range(20):
        covariates = {"runner": "a"} if place < 5 else {}
        state, _ = update(state, Observation(1.0, None, covariates), params)
    assert state.covariates == {}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_value_is_finite(value: float):
    with pytest.raises(ValueError, match="finite"):
        Observation(value)
