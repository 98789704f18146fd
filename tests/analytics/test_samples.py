"""Samples as stretches of time: hand-computed, and what holds of any."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.samples import Machine, Stretches

MB = 10**6


def row(offsets: list[float], **columns: list[Any]) -> dict[str, Any]:
    """A series of samples in which only some things were measured."""
    names = ("cpu_ratio", "memory_used_bytes", "disk_read_bytes", "disk_write_bytes")
    rest = ("network_rx_bytes", "network_tx_bytes")
    unknown = {name: [None] * len(offsets) for name in (*names, *rest)}
    return {"offsets_seconds": offsets, **unknown, **columns}


def stretches(*parts: tuple[float, float, float]) -> Stretches:
    return Stretches(*(np.array([part[n] for part in parts], float) for n in range(3)))


def test_the_mean_is_weighted_by_time_and_ends_with_the_build():
    during = Machine.of(row([1, 2, 6, 9], cpu_ratio=[0.2, 1.0, 0.5, 0.9])).during(8)
    assert during.cpu.mean == pytest.approx((1 * 0.2 + 1 * 1.0 + 4 * 0.5 + 2 * 0.9) / 8)
    assert during.cpu.seconds_from(0.9) == 3


def test_an_unknown_first_share_tells_of_no_time():
    during = Machine.of(row([1, 3, 5], cpu_ratio=[None, 0.5, 1.0])).during(5)
    assert (during.cpu.seconds, during.cpu.mean) == (4, 0.75)


def test_samples_of_before_the_build_are_not_of_it():
    during = Machine.of(row([-5, -3, 1], memory_used_bytes=[9 * MB, 8 * MB, 3 * MB])).during(4)
    assert (during.memory.lowest, during.memory.highest) == (3 * MB, 3 * MB)


def test_counters_grow_from_sample_to_sample_and_may_be_reset():
    read, written = [100, 300, 50, 60], [0, 0, 10, 10]
    disk = Machine.of(row([0, 2, 4, 5], disk_read_bytes=read, disk_write_bytes=written)).disk
    # Together 100, 300, 60, 70: 200 grown, then reset to 60, then 10 more.
    assert disk.total == pytest.approx(200 + 60 + 10)
    assert disk.between(1, 4).total == pytest.approx(100 + 60)


def test_half_of_a_counter_is_not_both():
    assert Machine.of(row([0, 1], network_rx_bytes=[5, 9])).network.total is None


def test_nothing_measured_is_unknown():
    for empty in (row([]), row([1, 2])):
        machine = Machine.of(empty).during(10)
        found = (machine.cpu.mean, machine.memory.highest, machine.disk.total)
        assert found == (None, None, None)


def test_two_builds_that_saw_one_machine_count_its_time_once():
    first, second = stretches((0, 4, 0.5), (4, 6, 1.0)), stretches((3, 5, 0.6), (5, 9, 0.2))
    united = Stretches.united([second, first])
    assert united.seconds == 9
    assert united.total == pytest.approx(4 * 0.5 + 1 * 0.6 + 1 * 1.0 + 3 * 0.2)
    assert Stretches.united([]).mean is None


parts = st.lists(
    st.tuples(st.integers(0, 40), st.integers(1, 9), st.integers(0, 5)), min_size=1, max_size=5
)


@given(st.lists(parts, min_size=1, max_size=3))
def test_united_time_is_the_measure_of_the_union(several: list[list[tuple[int, int, int]]]):
    made = [stretches(*((at, at + length, value) for at, length, value in one)) for one in several]
    united = Stretches.united(made)
    assert np.all(united.begin[1:] >= united.end[:-1]), "no moment is told twice"
    edges = sorted({edge for one in made for edge in (*one.begin, *one.end)})
    covered = sum(
        after - before
        for before, after in pairwise(edges)
        if any(np.any((one.begin <= before) & (one.end >= after)) for one in made)
    )
    assert united.seconds == pytest.approx(covered)


@given(parts, st.integers(1, 50))
def test_two_halves_are_the_whole(one: list[tuple[int, int, int]], cut: int):
    whole = Stretches.united([stretches(*((at, at + long, value) for at, long, value in one))])
    halves = whole.between(0, cut).seconds + whole.between(cut, 1000).seconds
    assert halves == pytest.approx(whole.seconds)
