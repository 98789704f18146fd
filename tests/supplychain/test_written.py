"""Policies as people write them: one reader of JSON and YAML, and where it says what is wrong."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplychain.written import MOST_DEPTH, WHOLE, WrittenError, read_mapping, schema_errors

MOST = 200_000


def refused(text: str) -> tuple[str, str]:
    with pytest.raises(WrittenError) as caught:
        read_mapping(text, MOST)
    return caught.value.place, caught.value.message


def nested(depth: int) -> str:
    return '{"a": ' + "[" * (depth - 1) + "]" * (depth - 1) + "}"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: [1, b]", {"a": [1, "b"]}),
        ('{\t"a": null}', {"a": None}),
        ("{a: 2026-01-01}", {"a": "2026-01-01"}),
        ("a: 2026-01-01T10:00:00Z", {"a": "2026-01-01T10:00:00Z"}),
        (nested(MOST_DEPTH), json.loads(nested(MOST_DEPTH))),
    ],
)
def test_json_and_yaml_are_read(text: str, value: object):
    assert read_mapping(text, MOST) == value


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("", WHOLE, "must be a mapping"),
        ("[1]", WHOLE, "must be a mapping"),
        ('{"a": 1, "a": 2}', "line 1, column 10", "'a' is given twice"),
        ("a:\n  b: 1\n  b: 2", "line 3, column 3", "'b' is given twice"),
        ("a: &x 1\nb: *x\n", "line 2, column 4", "aliases are not allowed"),
        ("a: .nan", WHOLE, "plain values"),
        ("a: !!binary aGk=", WHOLE, "plain values"),
        ("a: !!python/none 1", "line 1, column 4", "could not determine a constructor"),
        ('{"a": "\\u0000"}', WHOLE, "characters that cannot be kept"),
        ('{"a": "\\ud800"}', WHOLE, "characters that cannot be kept"),
        (nested(MOST_DEPTH + 1), WHOLE, "is nested more than 20 deep"),
        ("a: " + "[" * 50_000, "line 1, column 24", "is nested more than 20 deep"),
        ('{"a":' * 40_000, "line 1, column 102", "is nested more than 20 deep"),
        ("x" * (MOST + 1), WHOLE, "more than 200000 characters"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, place: str, words: str):
    told, message = refused(text)
    assert (told, words in message) == (place, True), message


@given(st.text())
def test_no_text_is_read_or_refused_otherwise(text: str):
    try:
        value = read_mapping(text, MOST)
    except WrittenError:
        return
    assert isinstance(value, dict)


def test_what_a_schema_forbids_has_its_place():
    schema = {
        "properties": {"a": {"items": {"properties": {"b": {"type": "integer"}}}}},
        "required": ["c"],
    }
    found = schema_errors(schema, {"a": [{"b": 1}, {"b": "x"}]})
    assert [(place, error.validator) for place, error in found] == [
        (WHOLE, "required"),
        ("a[1].b", "type"),
    ]
