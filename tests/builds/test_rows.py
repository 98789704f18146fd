"""Column values from decoded builds."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buildkit.model import LogChunk, ResourceSample
from builds.models import Build
from builds.partitions import month_of, next_month
from builds.rows import fitted, log_lines, moment, resource_columns
from tests.builds.making import SECOND, START, printed


def test_moment_keeps_microseconds():
    assert moment(START + 1_234_567) == datetime(2026, 1, 5, 8, 0, 0, 1234, tzinfo=UTC)
    assert moment(None) is None


def test_fitted_cuts_only_texts_that_are_too_long():
    values = fitted(Build, {"target": "x" * 300, "failure_message": "y" * 300, "steps_total": 3})
    assert (len(values["target"]), len(values["failure_message"])) == (200, 300)
    assert values["steps_total"] == 3


@pytest.mark.parametrize(
    ("chunks", "text", "offsets"),
    [
        ([printed("a\nb\n", 1)], "a\nb\n", [1000, 1000]),
        ([printed("a", 1), printed("b\nc", 2)], "ab\nc", [1000, 2000]),
        ([printed("a\n", 1), printed("", 2), printed("b", 3)], "a\nb", [1000, 3000]),
        ([printed("a\n", None)], "a\n", [-1]),
        ([LogChunk(START, 1, b"\xc3"), LogChunk(START, 1, b"\xa9\n")], "é\n", [0]),
    ],
)
def test_a_line_belongs_to_the_chunk_that_began_it(chunks, text: str, offsets: list[int]):
    assert log_lines(chunks, START) == (text, offsets, False)


@pytest.mark.parametrize(
    "line",
    ["[output clipped, log limit 200KiB/s reached]", "[7 bytes of this log are not kept]"],
)
def test_a_log_that_says_it_is_not_whole_is_marked(line: str):
    _, offsets, clipped = log_lines([printed(f"abc\n{line}\ndef\n", 1)], START)
    assert (offsets, clipped) == ([1000, 1000, 1000], True)


@given(st.lists(st.text(alphabet="ab\n", max_size=6)))
def test_there_is_one_offset_for_each_line(texts: list[str]):
    text, offsets, _ = log_lines([printed(piece, 1) for piece in texts], START)
    lines = text.split("\n")
    assert len(offsets) == (len(lines) - 1 if lines[-1] == "" else len(lines))


def test_resources_run_in_parallel_and_in_order():
    samples = [
        ResourceSample(START + 2 * SECOND, cpu_ratio=0.5, memory_total_bytes=8),
        ResourceSample(START + SECOND, memory_used_bytes=4),
    ]
    columns = resource_columns(samples, START)
    assert columns["offsets_seconds"] == [1.0, 2.0]
    assert columns["cpu_ratio"] == [None, 0.5]
    assert columns["memory_used_bytes"] == [4, None]
    assert columns["memory_total_bytes"] == 8


def test_months():
    assert month_of(datetime(2026, 12, 31, 23, 59, tzinfo=UTC)) == date(2026, 12, 1)
    assert next_month(date(2026, 12, 1)) == date(2027, 1, 1)
    assert next_month(date(2026, 1, 1)) == date(2026, 2, 1)
