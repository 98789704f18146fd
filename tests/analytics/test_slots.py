"""How many builds at once: hand-computed from slow-downs and memory."""

from typing import Any

import pytest

from analytics.concurrency import Level, Slowdown
from analytics.slots import Memory, Verdict, half_would_do, memory_of, recommend

GB = 10**9


def slowed(*ratios: float, low: float = 0.3, builds: int = 8) -> Slowdown:
    """Alone, beside one other, beside two, …"""
    levels = tuple(
        Level(others, builds, ratio, ratio, ratio) for others, ratio in enumerate(ratios)
    )
    return Slowdown(0.5, low, 0.7, builds, builds * (len(ratios) - 1), levels)


def test_the_highest_throughput_wins():
    # 1, 2 ÷ 1.5 = 1.33, 3 ÷ 3 = 1.
    found = recommend(slowed(1.0, 1.5, 3.0), None)
    assert (found.verdict, found.slots) == (Verdict.SLOTS, 2)
    assert [load.throughput for load in found.loads] == pytest.approx([1, 4 / 3, 1])
    assert [load.fits for load in found.loads] == [None] * 3, "memory is not recorded"


def test_the_most_that_were_seen_is_no_bound():
    found = recommend(slowed(1.0, 1.5), None)
    assert (found.verdict, found.slots) == (Verdict.OR_MORE, 2)


def test_a_little_more_throughput_is_not_worth_it():
    # 2 ÷ 1.25 = 1.6 and 3 ÷ 1.85 = 1.62.
    assert recommend(slowed(1.0, 1.25, 1.85), None).slots == 2


def test_builds_that_halt_each_other_go_one_by_one():
    found = recommend(slowed(1.0, 2.4, 4.0), None)
    assert (found.verdict, found.slots) == (Verdict.SLOTS, 1)


def test_memory_bounds_what_throughput_would_have():
    # Idle 2 GB, 3 GB a build, of 10 GB 90 % may be taken: two builds take 8, three 11.
    memory = Memory(total=10 * GB, idle=2 * GB, per_build=3 * GB, builds=8)
    found = recommend(slowed(1.0, 1.1, 1.2), memory)
    assert (found.verdict, found.slots) == (Verdict.SLOTS, 2)
    assert [load.fits for load in found.loads] == [True, True, False]
    assert found.loads[2].memory_bytes == 11 * GB
    tight = recommend(slowed(1.0, 1.1), Memory(4 * GB, 2 * GB, 3 * GB, 8))
    assert (tight.verdict, tight.slots) == (Verdict.MEMORY, None)


@pytest.mark.parametrize(
    ("slowdown", "verdict"),
    [(None, Verdict.TOO_FEW), (slowed(1.0, 1.0, 1.01, low=-0.02), Verdict.NO_SLOWDOWN)],
)
def test_without_evidence_nothing_is_recommended(slowdown: Any, verdict: Verdict):
    found = recommend(slowdown, None)
    assert (found.verdict, found.slots) == (verdict, None)


def test_numbers_that_were_seldom_seen_are_not_compared():
    few = slowed(1.0, 1.5)
    levels = (*few.levels, Level(2, 7, 1.5, 1.4, 1.6))
    found = recommend(Slowdown(0.5, 0.3, 0.7, 8, 15, levels), None)
    assert [load.at_once for load in found.loads] == [1, 2]


def test_what_a_build_adds_is_its_most_less_its_least():
    alone = [(2.0 * GB, (2 + 0.1 * n) * GB) for n in range(1, 22)]
    found = memory_of(alone, 16.0 * GB)
    assert found is not None
    # 21 values of 0.1 to 2.1 GB: the 95th percentile is the 20th.
    assert (found.idle, found.per_build) == pytest.approx((2 * GB, 2.0 * GB))
    assert memory_of(alone[:7], 16.0 * GB) is None
    assert memory_of(alone, None) is None


@pytest.mark.parametrize(
    ("used", "builds", "expected"),
    [(0.39, 20, True), (0.4, 20, False), (0.1, 19, False), (None, 99, False)],
)
def test_half_would_do_where_use_is_low_in_enough_builds(
    used: float | None, builds: int, *, expected: bool
):
    assert half_would_do(used, builds) is expected
