"""Untyped values and times: what is read, and what is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buildkit import times, values
from buildkit.errors import ParseError
from buildkit.limits import Limits

LIMITS = Limits()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-05-29T08:07:41.210446364Z", 1_716_970_061_210_446_364),
        ("2024-05-29T08:07:41Z", 1_716_970_061_000_000_000),
        ("2024-05-29T10:07:41.5+02:00", 1_716_970_061_500_000_000),
        ("2024-05-29T07:07:41.5-01:00", 1_716_970_061_500_000_000),
        ("1970-01-01T00:00:01.000000001Z", 1_000_000_001),
        # Go's zero time, protobuf's zero time, and past 64 bits of nanoseconds.
        ("0001-01-01T00:00:00Z", None),
        ("1970-01-01T00:00:00Z", None),
        ("2262-04-12T00:00:00Z", None),
        ("2024-02-30T00:00:00Z", None),
        ("2024-05-29T25:00:00Z", None),
        ("2024-05-29 08:07", None),
        ("", None),
    ],
)
def test_times_of_text(text: str, expected: int | None) -> None:
    assert times.parse_time(text) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"seconds": 1795458530, "nanos": 60198727}, 1_795_458_530_060_198_727),
        ({"seconds": "1795458530"}, 1_795_458_530_000_000_000),
        ({"seconds": 1, "nanos": 1_000_000_000}, None),
        ({"seconds": -62135596800}, None),
        ({"nanos": 5}, None),
        ({"seconds": {}}, None),
        (17, None),
        (None, None),
    ],
)
def test_times_of_newer_records(value: object, expected: int | None) -> None:
    assert times.parse_time(value) == expected


@given(st.text() | st.dictionaries(st.text(), st.integers()))
def test_any_time_is_none_or_fits_64_bits(value: object) -> None:
    parsed = times.parse_time(value)
    assert parsed is None or 0 < parsed <= values.INT64_MAX


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5, 5),
        ("12", 12),
        ("-3", -3),
        (4.0, 4),
        (4.5, None),
        (True, None),
        ("1e3", None),
        ("", None),
        (2**63, None),
        (-(2**70), None),
        ("9" * 19, None),
        (None, None),
        ([], None),
    ],
)
def test_integers(value: object, expected: int | None) -> None:
    assert values.as_int(value) == expected


def test_a_size_of_minus_one_is_unknown() -> None:
    assert values.as_size(-1) is None
    assert values.as_size(0) == 0


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400, True, "1", None])
def test_no_finite_number(value: object) -> None:
    assert values.as_float(value) is None


@given(st.text(st.characters()))
def test_clean_text_can_be_stored(text: str) -> None:
    cleaned = values.clean(text)
    assert "\0" not in cleaned
    assert len(cleaned) == len(text)
    cleaned.encode("utf-8")


def test_clean_replaces_only_what_cannot_be_stored() -> None:
    assert values.clean("a\0b\ud800c\udfffé😀") == "a\ufffdb\ufffdc\ufffdé😀"


def test_json_without_numbers_that_are_none() -> None:
    data = b'{"a": NaN, "b": Infinity, "c": -Infinity, "d": "\\ud800", "d": 2}'
    assert values.load_object(data, "x", LIMITS) == {"a": None, "b": None, "c": None, "d": 2}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"[" * 200_000, "nested too deeply"),
        (b'{"a":' * 200_000, "nested too deeply"),
        (b"1" * 5_000, "not JSON"),
        (b"{", "not JSON"),
        (b"", "not JSON"),
        (b"[1]", "expected a JSON object"),
    ],
)
def test_json_that_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(ParseError, match=message) as caught:
        values.load_object(data, "place", LIMITS)
    assert caught.value.path == "place"


def test_json_over_its_limit() -> None:
    with pytest.raises(ParseError, match="allowed are 3"):
        values.load_json(b"[1,2]", "place", Limits(max_json_bytes=3))


@given(st.recursive(st.none() | st.text() | st.floats() | st.integers(), st.lists, max_leaves=5))
def test_readers_take_anything(value: object) -> None:
    assert isinstance(values.as_text(value), str)
    assert isinstance(values.as_dict(value), dict)
    assert isinstance(values.as_dicts(value), list)
    assert isinstance(values.as_bytes(value), bytes)
    assert values.as_text_map({"key": value}) == (
        {"key": values.clean(value)} if isinstance(value, str) else {}
    )


def test_bytes_of_go_json() -> None:
    assert values.as_bytes("aGVsbG8=") == b"hello"
    assert values.as_bytes("a") == b""
    assert values.load_json(json.dumps("ok").encode(), "x", LIMITS) == "ok"


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"a": ["text", 1, None]}, True),
        ({"a": "\x00"}, False),
        ({"\x00": "a"}, False),
        ({"a": ["\ud800"]}, False),
        ({"a": "\\u0000"}, True),
        ({"a": "\\\x00"}, False),
    ],
)
def test_what_a_database_can_keep(document: object, expected: bool) -> None:
    assert values.is_storable(document) is expected


def test_json_for_digests_has_one_form() -> None:
    assert values.canonical_json({"b": [1, "ä"], "a": None}) == b'{"a":null,"b":[1,"\\u00e4"]}'


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://ci.example.com/1?a=b#c", True),
        ("HTTP://example.com", True),
        ("javascript:alert(1)//https://example.com", False),
        ("https://", False),
        ("https://example.com/a b", False),
        (7, False),
    ],
)
def test_only_addresses_of_the_web_become_links(value: object, expected: bool) -> None:
    assert values.as_web_address(value) == (value if expected else "")
