"""What is told of hand-made series, one of each kind."""

from dataclasses import replace

import numpy as np
import pytest

from analytics.changes import Params, alerts, follow
from tests.analytics.changes.series import builds, noise, statuses, times, told


def test_a_step_is_told_soon_with_place_size_and_interval():
    events = told(times((60, 100), (40, 130)))
    assert statuses(events) == [("step", "opened", "up")]
    event = events[0]
    assert (event.index, event.of) == (60, "level")
    assert 63 <= event.seen_at <= 65
    assert event.builds_after == event.seen_at - 60 + 1
    assert event.before == pytest.approx(100, rel=0.05)
    assert event.after == pytest.approx(130, rel=0.05)
    assert event.low < 0.3 < event.high
    assert event.low <= event.change <= event.high
    assert event.p < 0.001
    assert event.parameters["z"] == Params().z
    assert alerts(events) == [(event.seen_at, 60)]


def test_intervals_of_the_size_hold_the_true_one_as_often_as_they_say():
    events = [event for seed in range(60) for event in told(times((60, 100), (15, 130), seed=seed))]
    steps = [event for event in events if event.status == "opened" and event.index >= 55]
    assert len(steps) >= 57
    held = sum(event.low <= 0.3 <= event.high for event in steps)
    assert held >= 0.88 * len(steps)  # 95 % less three standard errors of 57


def test_an_improvement_goes_down():
    assert statuses(told(times((60, 100), (40, 75)))) == [("step", "opened", "down")]


def test_noise_alone_tells_nothing():
    for seed in range(5):
        assert told(times((300, 100), seed=seed)) == []


def test_an_incident_that_goes_back_is_resolved():
    events = told(times((60, 100), (40, 130), (40, 100)))
    assert statuses(events) == [("step", "opened", "up"), ("step", "resolved", "down")]
    assert events[1].index == pytest.approx(100, abs=1)
    assert len(alerts(events)) == 2


def test_what_goes_on_the_same_way_is_one_incident_and_told_again_when_grown():
    events = told(times((60, 100), (20, 115), (40, 155)))
    assert statuses(events) == [("step", "opened", "up"), ("drift", "reopened", "up")]
    assert len(alerts(events)) == 1


def test_a_small_growth_of_an_incident_is_not_told():
    assert statuses(told(times((60, 100), (20, 130), (40, 143)))) == [("step", "opened", "up")]


def test_a_later_step_is_an_incident_of_its_own():
    events = told(times((60, 100), (60, 130), (40, 170)))
    assert statuses(events) == [("step", "opened", "up")] * 2


def test_a_slow_drift_is_told_once_and_as_one():
    level = 100 * (1 + 0.4 * np.clip((np.arange(200) - 80) / 60, 0, 1))
    events = told(level * np.exp(noise(200, 3)))
    assert len(alerts(events)) == 1
    assert events[0].kind == "drift"
    assert 75 <= events[0].index <= events[0].seen_at < 140


def test_spikes_are_outliers_and_move_nothing():
    values = times((100, 100))
    values[40] *= 4
    values[60:63] *= 3
    events = told(values)
    assert statuses(events) == [("outlier", "seen", "up")] * 2
    assert [(event.index, event.seen_at) for event in events] == [(40, 41), (60, 63)]
    assert events[0].after == pytest.approx(values[40], rel=0.01)
    assert alerts(events) == []


def test_few_builds_are_enough_for_a_large_step():
    assert alerts(told(times((15, 100), (12, 150)))) == [(18, 15)]
    assert told(times((5, 100), (4, 300))) == []


def test_a_step_too_small_to_matter_is_not_told():
    assert told(times((100, 100), (100, 102), spread=0.01)) == []


def test_a_small_step_that_took_long_to_show_is_late():
    events = told(times((60, 100), (120, 104), seed=4, spread=0.06))
    assert [event.status for event in events] == ["late"]
    assert alerts(events) == []


def test_what_follows_a_late_change_is_an_incident_of_its_own():
    values = times((60, 100), (120, 104), (20, 140), seed=4, spread=0.06)
    assert [event.status for event in told(values) if event.kind != "outlier"] == ["late", "opened"]


def test_values_without_unit_have_covariates_too():
    runners = ["fast", "slow"] * 40
    values = np.where(np.array(runners) == "slow", 5000.0, 3000.0) + noise(80, 12, 100.0)
    values[50:] += 600
    events = told(values, unit="", covariates={"runner": runners})
    assert alerts(events) == [(events[0].seen_at, 50)]
    assert events[0].change == pytest.approx(600, abs=150)
    assert events[0].seen_at == pytest.approx(53, abs=1)


def test_sizes_are_staircases_that_creep():
    creep = 5e8 * np.exp(np.arange(200) * 8e-5 + noise(200, 5, 0.001))
    assert told(creep, unit="bytes") == []
    creep[100:] *= 1.03
    events = told(np.round(creep), unit="bytes")
    assert alerts(events) == [(103, 100)]
    assert events[0].change == pytest.approx(0.03, abs=0.002)


def test_equal_sizes_have_no_spread():
    events = told([1000.0] * 30 + [1100.0] * 10, unit="bytes")
    assert alerts(events) == [(33, 30)]
    assert events[0].change == pytest.approx(0.1, abs=0.005)


def test_ratios_change_by_differences():
    ratios = np.random.default_rng(6).beta(45, 5, 120)
    ratios[70:] -= 0.2
    events = told(ratios, unit="ratio")
    assert statuses(events) == [("step", "opened", "down")]
    assert events[0].change == pytest.approx(-0.2, abs=0.05)


def test_values_without_unit_may_be_below_zero():
    values = noise(100, 7, 1.0)
    values[60:] += 6
    assert alerts(told(values, unit=""))[0][1] == 60


def test_a_shift_of_the_mix_of_runners_is_no_change():
    runners = ["fast", "slow"] * 40 + ["slow"] * 40
    values = times((120, 100)) * np.where(np.array(runners) == "slow", 1.4, 1.0)
    assert told(values, covariates={"runner": runners}) == []


def test_a_step_is_found_behind_covariates():
    rng = np.random.default_rng(8)
    hits = rng.random(120) < 0.7
    values = times((70, 100), (50, 120)) * np.where(hits, 1.0, 2.5)
    events = told(values, covariates={"cache_hit": hits.tolist()})
    assert [(event.of, event.index) for event in events] == [("level", 70)]


def test_fewer_hits_of_the_cache_are_told_as_that():
    rng = np.random.default_rng(9)
    hits = rng.random(140) < np.where(np.arange(140) < 80, 0.85, 0.2)
    values = times((140, 100)) * np.where(hits, 1.0, 2.5)
    events = told(values, covariates={"cache_hit": hits.astype(int).tolist()})
    assert statuses(events) == [("step", "opened", "down")]
    assert events[0].of == "cache_hit"
    assert events[0].index == pytest.approx(80, abs=3)
    assert events[0].change == pytest.approx(-0.65, abs=0.2)


def test_working_hours_are_no_change():
    hours = np.arange(240) * 3600.0
    busy = ((hours // 3600) % 24 >= 9) & ((hours // 3600) % 24 < 18)
    weekday = (hours // 86400 + 3) % 7 < 5
    values = times((240, 100)) * np.where(busy & weekday, 1.2, 1.0)
    assert told(values, timestamps=hours.tolist()) == []


def test_two_levels_in_turn_are_one_state_of_things():
    slow = np.random.default_rng(10).random(160) < 0.3
    values = times((160, 100)) * np.where(slow, 2.5, 1.0)
    assert alerts(told(values)) == []
    values[90:] *= 1.2
    assert [index for _, index in alerts(told(values))] == [pytest.approx(90, abs=2)]


def test_more_builds_on_a_level_without_a_name_are_told():
    slow = np.random.default_rng(11).random(160) < np.where(np.arange(160) < 100, 0.2, 0.8)
    values = times((160, 100)) * np.where(slow, 2.5, 1.0)
    assert {event.of for event in told(values)} == {"hidden_level"}


def test_parameters_are_those_that_were_given():
    careful = replace(Params(), z=8.0)
    values = times((60, 100), (10, 120))
    assert follow(builds(values), "s", careful) == []
