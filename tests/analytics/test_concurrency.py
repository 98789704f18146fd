"""What builds cost each other: planted, hand-computed, and what must not matter."""

import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.alike import Run
from analytics.concurrency import Contention, Slowdown

STEPS = {"install": 6.0, "compile": 3.0, "test": 1.0}
"""10 s alone."""


def planted(
    factors: dict[float, float],
    count: int,
    *,
    group: str = "api",
    noise: float = 0.0,
    seed: int = 1,
) -> list[Run]:
    """``count`` builds for each number of others, as many times as long as alone."""
    chance = random.Random(seed)  # noqa: S311
    return [
        Run(
            group,
            1000 * place + number,
            step,
            seconds * factor * wobble * np.exp(chance.gauss(0, noise)),
            others,
        )
        for place, (others, factor) in enumerate(factors.items())
        for number in range(count)
        for wobble in [np.exp(chance.gauss(0, noise))]
        for step, seconds in STEPS.items()
    ]


def of(runs: Sequence[Run]) -> Slowdown:
    found = Contention(runs).whole()
    assert found is not None
    return found


def test_alone_ten_seconds_and_beside_one_other_fifteen():
    found = of(planted({0: 1.0, 1: 1.5, 2: 2.0}, 8))
    assert (found.alone, found.beside) == (8, 16)
    assert (found.slope, found.low, found.high) == pytest.approx((0.5, 0.5, 0.5))
    levels = [(level.others, level.builds, level.ratio) for level in found.levels]
    assert levels == [(0, 8, 1.0), (1, 8, 1.5), (2, 8, pytest.approx(2.0))]


def test_steps_are_held_against_themselves():
    """A build that ran only its long step beside others is not slower for that."""
    alone = planted({0: 1.0}, 8)
    beside = [Run("api", 5000 + n, "install", 6.0, 1.0) for n in range(8)]
    assert of([*alone, *beside]).slope == pytest.approx(0)


def test_groups_have_their_own_usual_times():
    small = planted({0: 1.0, 1: 1.5}, 8)
    large = [
        replace(run, group="web", build=run.build + 9000, seconds=run.seconds * 100)
        for run in planted({0: 1.0, 2: 2.0}, 8)
    ]
    both = Contention([*small, *large])
    assert both.counts == {"api": (8, 8), "web": (8, 8)}
    whole, web = both.whole(), both.of("web")
    assert whole is not None
    assert web is not None
    assert (whole.slope, web.slope) == pytest.approx((0.5, 0.5))
    assert (whole.alone, whole.beside) == (16, 16)


@pytest.mark.parametrize(("alone", "beside"), [(7, 8), (8, 7), (0, 30), (30, 0)])
def test_too_few_say_nothing(alone: int, beside: int):
    others = [replace(run, build=run.build + 5000) for run in planted({1: 3.0}, beside)]
    assert Contention([*planted({0: 1.0}, alone), *others]).whole() is None


def test_a_step_with_no_usual_time_is_left_out():
    runs = planted({0: 1.0, 1: 1.5}, 8)
    new = [Run("api", run.build, "lint", 500.0, 1.0) for run in runs if run.others]
    assert of([*runs, *new]).slope == pytest.approx(0.5)


def test_few_others_for_a_moment_count_to_no_level():
    found = of(planted({0: 1.0, 0.3: 1.15, 1: 1.5}, 8))
    assert [(level.others, level.builds) for level in found.levels] == [(0, 8), (1, 8)]
    assert found.beside == 8
    assert found.slope == pytest.approx(0.5)


def test_the_slowest_beside_others_are_told():
    runs = planted({0: 1.0, 1: 1.5}, 8)
    runs = [replace(run, seconds=run.seconds * 3) if run.build == 1003 else run for run in runs]
    slowest = Contention(runs).slowest(3)
    assert [(one.build, one.ratio) for one in slowest][:2] == [(1003, 4.5), (1000, 1.5)]
    assert len(slowest) == 3


def test_nothing_gives_nothing():
    empty = Contention([])
    assert (empty.whole(), empty.counts, empty.slowest(3)) == (None, {}, [])


@settings(max_examples=15, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(-8, 8))
def test_neither_order_nor_unit_matters(shuffled: random.Random, power: int):
    runs = planted({0: 1.0, 1: 1.4, 2: 1.9}, 9, noise=0.2)
    other = [replace(run, seconds=run.seconds * 2.0**power) for run in runs]
    shuffled.shuffle(other)
    first, second = of(runs), of(other)
    assert (second.slope, second.low, second.high) == pytest.approx(
        (first.slope, first.low, first.high)
    )
    assert [level.ratio for level in second.levels] == pytest.approx(
        [level.ratio for level in first.levels]
    )


def test_where_others_cost_nothing_the_interval_holds_nothing_95_times_in_100():
    rounds, held = 120, 0
    for seed in range(rounds):
        found = of(planted({0: 1.0, 1: 1.0, 2: 1.0}, 12, noise=0.2, seed=seed))
        held += found.low <= 0 <= found.high
    assert 0.90 <= held / rounds <= 1.0


def test_a_planted_cost_is_found_in_noise():
    found = of(planted({0: 1.0, 1: 1.5, 2: 2.0}, 40, noise=0.15))
    assert found.slope == pytest.approx(0.5, abs=0.08)
    assert 0 < found.low <= found.slope <= found.high
