"""What the pages print for numbers, times and digests."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
import time_machine
from django.template import engines

from buildinsights.templatetags import formats

UNKNOWN = '<span class="unknown">unknown</span>'
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.0004, "0 s"),
        (0.35, "350 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1 s"),
        (1, "1 s"),
        (16.54, "16.5 s"),
        (59.94, "59.9 s"),
        (59.96, "1 m 0 s"),
        (76.5, "1 m 16.5 s"),
        (3599.96, "1 h 0 m"),
        (7500, "2 h 5 m"),
        (86_399, "1 d 0 h"),
        (100_800, "1 d 4 h"),
        (-2.5, "−2.5 s"),
        (None, UNKNOWN),
    ],
)
def test_duration(seconds: float | None, text: str) -> None:
    assert formats.duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(12.5, "+12.5 s"), (-3, "−3 s"), (0, "0 s"), (0.0001, "0 s"), (None, UNKNOWN)],
)
def test_signed_duration(seconds: float | None, text: str) -> None:
    assert formats.signed_duration(seconds) == text


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (12_345_678, "12.3 MB"),
        (999_960, "1 MB"),
        (3_210_000_000, "3.2 GB"),
        (5 * 10**18, "5000 PB"),
        (-1500, "−1.5 kB"),
        (None, UNKNOWN),
    ],
)
def test_filesize(size_bytes: int | None, text: str) -> None:
    assert formats.filesize(size_bytes) == text


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [(4_100_000, "+4.1 MB"), (-4_100_000, "−4.1 MB"), (0, "0 B"), (None, UNKNOWN)],
)
def test_signed_filesize(size_bytes: int | None, text: str) -> None:
    assert formats.signed_filesize(size_bytes) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0 %"),
        (0.0001, "< 0.1 %"),
        (0.004, "0.4 %"),
        (0.82, "82 %"),
        (0.996, "99.6 %"),
        (0.99999, "> 99.9 %"),
        (1.0, "100 %"),
        (1.5, "150 %"),
        (-0.25, "−25 %"),
        (None, UNKNOWN),
    ],
)
def test_ratio(value: float | None, text: str) -> None:
    assert formats.ratio(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.08, "+8 %"), (-0.12, "−12 %"), (0.001, "0 %"), (-0.001, "0 %"), (None, UNKNOWN)],
)
def test_signed_ratio(value: float | None, text: str) -> None:
    assert formats.signed_ratio(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (1234567, "1\u202f234\u202f567"),
        (2.25, "2.2"),
        (3.0, "3"),
        (-4, "−4"),
        (None, UNKNOWN),
    ],
)
def test_number(value: float | None, text: str) -> None:
    assert formats.number(value) == text


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=5), "5 min ago"),
        (timedelta(hours=23, minutes=59), "23 h ago"),
        (timedelta(days=3), "3 d ago"),
        (-timedelta(hours=2), "in 2 h"),
    ],
)
def test_ago(age: timedelta, text: str) -> None:
    with time_machine.travel(NOON, tick=False):
        assert f">{text}</time>" in formats.ago(NOON - age)


def test_ago_carries_the_exact_time() -> None:
    with time_machine.travel(NOON, tick=False):
        html = formats.ago(NOON)
    assert 'datetime="2026-03-01T12:00:00+00:00"' in html
    assert 'title="2026-03-01 12:00:00 UTC"' in html


def test_moment_is_written_in_utc() -> None:
    in_tokyo = datetime(2026, 3, 1, 21, 0, tzinfo=timezone(timedelta(hours=9)))
    assert formats.moment(in_tokyo) == (
        '<time datetime="2026-03-01T12:00:00+00:00">2026-03-01 12:00 UTC</time>'
    )


def test_times_that_are_not_recorded_are_unknown() -> None:
    assert formats.ago(None) == UNKNOWN
    assert formats.moment(None) == UNKNOWN


@pytest.mark.parametrize(
    ("digest", "text"),
    [
        ("sha256:0123456789abcdef0123", "0123456789ab"),
        ("0123456789abcdef0123", "0123456789ab"),
        ("", UNKNOWN),
        (None, UNKNOWN),
    ],
)
def test_short_digest(digest: str | None, text: str) -> None:
    assert formats.short_digest(digest) == text


def test_what_stands_between_backticks_is_code_and_all_is_escaped() -> None:
    assert formats.inline_code("run `a <b>` & `c`") == (
        "run <code>a &lt;b&gt;</code> &amp; <code>c</code>"
    )
    assert formats.inline_code("one ` alone") == "one ` alone"


@pytest.mark.parametrize(
    ("level_tag", "state"), [("error", "failed"), ("success", "succeeded"), ("debug", "info")]
)
def test_level_state(level_tag: str, state: str) -> None:
    assert formats.level_state(level_tag) == state


def test_filters_are_built_in_and_unknown_is_not_escaped() -> None:
    page = engines["django"].from_string("{{ wall|duration }} {{ size|filesize }}")
    assert page.render({"wall": 1.5, "size": None}) == f"1.5 s {UNKNOWN}"


def test_short_digests_leaves_all_else_as_it_is():
    digest = "sha256:" + "0123456789abcdef" * 4
    text = f"FROM base@{digest} before, {digest[:40]} since, sha256:none now"
    assert formats.short_digests(text) == (
        "FROM base@sha256:0123456789ab before, sha256:0123456789ab since, sha256:none now"
    )
