"""Durations, sizes and shares: what people write, what is shown, and that both are the same."""

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from buildinsights.quantities import (
    UNITS,
    DurationField,
    QuantityField,
    ShareField,
    SizeField,
    unit_of,
)


@pytest.mark.parametrize(
    ("field", "text", "number"),
    [
        (DurationField, "15 min", 900),
        (DurationField, "15m", 900),
        (DurationField, "1 h 30 min", 5400),
        (DurationField, "1.5 hours", 5400),
        (DurationField, " 1w  2d ", 777_600),
        (DurationField, "0.5 s", 0.5),
        (DurationField, "0", 0),
        (SizeField, "10 GB", 10_000_000_000),
        (SizeField, "10gb", 10_000_000_000),
        (SizeField, "10 Gb", 10_000_000_000),
        (SizeField, "1.5 GiB", 1_610_612_736),
        (SizeField, "512 B", 512),
        (ShareField, "80 %", 0.8),
        (ShareField, "80", 0.8),
        (ShareField, "0.5 %", 0.005),
        (ShareField, "1", 0.01),
    ],
)
def test_what_people_write(field: type[QuantityField], text: str, number: float):
    assert field().clean(text) == number


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        (DurationField, "15", "15 min, 2 h, 3 d"),
        (DurationField, "-5 min", "15 min, 2 h, 3 d"),
        (DurationField, "5 min 5 min", "15 min, 2 h, 3 d"),
        (DurationField, "5 parsecs", "15 min, 2 h, 3 d"),
        (DurationField, "1,5 h", "15 min, 2 h, 3 d"),
        (SizeField, "10", "10 GB, 500 MB"),
        (SizeField, "10 min", "10 GB, 500 MB"),
        (SizeField, "99999999999999 PB", "too much"),
        (ShareField, "0.8", "in percent: 80 %"),
        (ShareField, "80 GB", "in percent: 80 %"),
    ],
)
def test_what_could_be_meant_otherwise_is_refused(
    field: type[QuantityField], text: str, words: str
):
    with pytest.raises(ValidationError, match=words):
        field().clean(text)


@pytest.mark.parametrize(
    ("field", "number", "text"),
    [
        (DurationField, 0, "0 s"),
        (DurationField, 900, "15 min"),
        (DurationField, 5430, "1 h 30 min 30 s"),
        (DurationField, 1_209_600, "14 d"),
        (DurationField, 0.25, "0.25 s"),
        (SizeField, 10_500_000_000, "10.5 GB"),
        (SizeField, 1_073_741_824, "1 GiB"),
        (SizeField, 1_234_567, "1234.567 kB"),
        (ShareField, 0.8, "80 %"),
        (ShareField, 0.125, "12.5 %"),
    ],
)
def test_what_is_shown(field: type[QuantityField], number: float, text: str):
    assert field().prepare_value(number) == text


@pytest.mark.parametrize("field", UNITS.values())
@pytest.mark.parametrize("value", [True, float("inf"), float("-inf"), float("nan")])
def test_what_is_no_number_is_refused(field: type[QuantityField], value: object):
    with pytest.raises(ValidationError):
        field().clean(value)
    assert field().prepare_value(value) is value


@given(
    st.sampled_from(sorted(UNITS)),
    st.integers(0, 10**15) | st.floats(1e-9, 1e6),
)
def test_what_is_shown_reads_as_the_same(unit: str, number: float):
    field = UNITS[unit]()
    is_whole = unit != "bytes" or number == int(number)
    if is_whole:
        assert field.clean(field.prepare_value(number)) == number


@given(st.text())
def test_any_text_is_a_number_or_refused(text: str):
    for field in UNITS.values():
        try:
            number = field(required=False).clean(text)
        except ValidationError:
            continue
        assert number is None or number >= 0


def test_programs_give_numbers_and_bounds_are_told_in_words():
    field = DurationField(least=30, most=604_800)
    assert field.clean(600) == 600
    with pytest.raises(ValidationError, match="30 s at least"):
        field.clean(29)
    with pytest.raises(ValidationError, match="7 d at most"):
        field.clean("8 d")
    assert field.prepare_value("as typed") == "as typed"


def test_names_of_values_end_with_their_unit():
    names = {"limit_seconds": "s", "limit_bytes": "bytes", "least_ratio": "ratio", "share": "ratio"}
    assert {name: unit_of(name) for name in [*names, "days"]} == names | {"days": ""}
