"""The history view of hand-made series."""

import numpy as np
import pytest

from analytics.changes import history
from analytics.changes.adjust import adjusted
from tests.analytics.changes.series import noise, times


def places(*arguments: object, **more: object) -> list[int]:
    return [change.index for change in history(*arguments, **more)]


def test_all_steps_are_found_with_the_medians_between():
    found = history(times((80, 100), (60, 130), (60, 90)), unit="s")
    assert [change.index for change in found] == [80, 140]
    assert [change.before for change in found] == pytest.approx([100, 130], rel=0.03)
    assert [change.after for change in found] == pytest.approx([130, 90], rel=0.03)


def test_noise_and_short_series_have_none():
    assert places(times((200, 100)), unit="s") == []
    assert places([1.0] * 50) == []
    assert places([1.0, 9.0] * 4) == []
    assert places([]) == []


def test_slow_growth_is_no_staircase():
    assert places(100 + np.arange(200) + noise(200, 1, 3.0)) == []


def test_growth_that_bends_has_its_bend():
    level = np.concatenate((np.arange(100.0), np.full(100, 100.0) - 2 * np.arange(100)))
    assert places(level + noise(200, 2, 2.0)) == [pytest.approx(100, abs=3)]


def test_bursts_are_no_segments():
    values = times((200, 100))
    values[50:53] *= 4
    values[120] *= 9
    assert places(values, unit="s") == []


def test_covariates_are_taken_out_first():
    kinds = ["a"] * 60 + ["b"] * 3 + ["a", "b", "b"] * 20
    values = times((len(kinds), 100)) * np.where(np.array(kinds) == "b", 1.5, 1.0)
    assert places(values, unit="s") != []
    assert places(values, covariates={"runner": kinds}, unit="s") == []


def test_a_groups_effect_is_its_median_distance_to_neighbours_shrunken():
    values = np.array([1.0] * 4 + [3.0] + [1.0] * 4)
    kinds = ["a"] * 4 + ["b"] + ["a"] * 4
    assert adjusted(values, {"kind": kinds})[4] == pytest.approx(3 - 2 * 1 / (1 + 4))


def test_working_hours_are_taken_out():
    hours = np.arange(240) * 3600.0
    busy = (hours // 3600 % 24 >= 9) & (hours // 3600 % 24 < 18) & ((hours // 86400 + 3) % 7 < 5)
    values = times((240, 100)) * np.where(busy, 1.3, 1.0)
    assert places(values, hours.tolist(), unit="s") == []


def test_a_long_series_has_at_most_five_changes_a_window():
    values = np.tile([1.0] * 6 + [2.0] * 6, 50) * np.exp(noise(600, 3, 0.01))
    assert len(places(values, unit="s")) <= 5 * 600 / 250
