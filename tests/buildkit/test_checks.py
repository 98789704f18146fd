"""Output of BuildKit's checks, real and broken."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buildkit.checks import CheckWarning, read_checks
from buildkit.errors import ParseError
from buildkit.limits import Limits
from buildkit.model import SourceRange

WARNING = {
    "ruleName": "JSONArgsRecommended",
    "description": "JSON arguments recommended for ENTRYPOINT/CMD",
    "url": "https://docs.docker.com/go/dockerfile/rule/json-args-recommended/",
    "detail": "JSON arguments recommended for CMD",
    "location": {"ranges": [{"start": {"line": 6}, "end": {"line": 7}}]},
}


def printed(check: Any, **build: Any) -> bytes:
    source = {"filename": "Dockerfile", "data": base64.b64encode(b"FROM scratch").decode()}
    check = {"sources": [source], "warnings": None} | check
    return json.dumps({"target": {"api": {"build": build, "check": check}}}).encode()


def test_a_warning_has_its_rule_file_and_lines():
    [target] = read_checks(
        printed({"warnings": [WARNING]}, target="run", labels={"a": "b"}), "x", Limits()
    )
    assert (target.name, target.stage, target.labels, target.error) == (
        "api",
        "run",
        {"a": "b"},
        "",
    )
    assert target.warnings == (
        CheckWarning(
            "JSONArgsRecommended",
            "JSON arguments recommended for ENTRYPOINT/CMD",
            "https://docs.docker.com/go/dockerfile/rule/json-args-recommended/",
            "JSON arguments recommended for CMD",
            "Dockerfile",
            (SourceRange(6, 7),),
        ),
    )


def test_a_dockerfile_that_cannot_be_read_is_an_error():
    [target] = read_checks(printed({"buildError": {"message": "parse error"}}), "x", Limits())
    assert (target.error, target.warnings) == ("parse error", ())


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"target": []}', b"ERROR: no engine"])
def test_what_is_no_such_output_is_refused(data: bytes):
    with pytest.raises(ParseError, match="out"):
        read_checks(data, "out", Limits())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)


@given(check=st.fixed_dictionaries({}, optional={"sources": JSON, "warnings": JSON, "error": JSON}))
def test_any_json_is_read_or_refused(check: dict[str, Any]):
    for target in read_checks(printed(check), "x", Limits()):
        assert target.name == "api"


@given(location=JSON)
def test_any_location_gives_a_place_or_none(location: Any):
    [target] = read_checks(printed({"warnings": [WARNING | {"location": location}]}), "x", Limits())
    assert len(target.warnings) == 1
