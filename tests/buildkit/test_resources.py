"""Resource samples by hand."""

import json

import pytest

from buildkit.limits import Limits
from buildkit.resources import cpu_ratio, read_samples, read_sys_usage
from buildkit.status import Problems
from tests.buildkit.making import BEGIN, SECOND, iso


def test_busy_share_between_cumulative_samples() -> None:
    before = {"user": 10, "system": 5, "idle": 100, "iowait": 1, "steal": 0}
    after = {"user": 13, "system": 6, "idle": 104, "iowait": 2, "steal": 1}
    # Busy 3 + 1 = 4 of 4 + 4 + 1 + 1 = 10.
    assert cpu_ratio(before, after) == pytest.approx(0.4)


def test_no_share_without_growth_or_before() -> None:
    assert cpu_ratio({}, {"user": 1}) is None
    assert cpu_ratio({"user": 1}, {"user": 1}) is None


def test_a_counter_that_was_reset_counts_from_zero() -> None:
    assert cpu_ratio({"user": 50, "idle": 10}, {"user": 2, "idle": 12}) == pytest.approx(0.5)


def test_samples_of_provenance() -> None:
    first = {
        "timestamp": iso(1),
        "cpuStat": {"user": 1, "idle": 1},
        "memoryStat": {"total": 100, "available": 60},
    }
    second = {"timestamp": iso(3), "cpuStat": {"user": 2, "idle": 4}, "memoryStat": {"total": 100}}
    broken = {"timestamp": "0001-01-01T00:00:00Z"}
    one, two = read_sys_usage([second, broken, first])
    assert (one.at_ns, one.cpu_ratio) == ((BEGIN + 1) * SECOND, None)
    assert (one.memory_used_bytes, one.memory_total_bytes) == (40 * 1024, 100 * 1024)
    assert two.cpu_ratio == pytest.approx(0.25)
    assert (two.memory_used_bytes, two.disk_read_bytes) == (None, None)


def test_samples_of_a_sampler() -> None:
    lines = [
        json.dumps({"timestamp": iso(2), "cpu_ratio": 0.5, "memory_used_bytes": 7}),
        "",
        json.dumps({"timestamp": iso(1), "cpu_ratio": None, "network_rx_bytes": "12"}),
        "not json",
        json.dumps({"cpu_ratio": 1}),
    ]
    problems = Problems(10)
    one, two = read_samples("\n".join(lines).encode(), "resources", Limits(), problems)
    assert (one.cpu_ratio, one.network_rx_bytes) == (None, 12)
    assert (two.cpu_ratio, two.memory_used_bytes, two.disk_read_bytes) == (0.5, 7, None)
    assert [problem.path for problem in problems.all()] == ["resources/line 4", "resources/line 5"]
