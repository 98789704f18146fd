"""Hostile and damaged input: every decoder returns builds or raises ``ParseError``."""

import contextlib
import dataclasses
import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buildkit import wire
from buildkit.errors import ParseError
from buildkit.limits import Limits
from buildkit.model import Build
from buildkit.reading import read_builds
from tests.buildkit.making import bundle, frame, record_fields, run
from tests.buildkit.test_corpus import CASES, read_case
from tests.buildkit.test_provenance import v02

LIMITS = Limits(max_uncompressed_bytes=2_000_000, max_json_bytes=1_000_000)
PIECES = ("record", "progress", "metadata", "provenance", "resources")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


def strings(value: Any) -> Iterator[str]:
    """Every string in a build."""
    if isinstance(value, str):
        yield value
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from strings(getattr(value, field.name))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from strings([key, item])
    elif isinstance(value, tuple | list):
        for item in value:
            yield from strings(item)


def check(builds: tuple[Build, ...]) -> None:
    """What holds of every build, however broken its input was."""
    for build in builds:
        assert not any("\0" in text for text in strings(build))
        "".join(strings(build)).encode("utf-8")
        json.dumps([dataclasses.asdict(step.usage) for step in build.steps if step.usage])
        for step in build.steps:
            assert all(source < step.position for source in step.inputs)
            assert step.busy_seconds >= 0
            assert step.slack_seconds >= 0
            assert 0 <= step.what_if_seconds <= step.busy_seconds
        assert build.timing.critical_path_seconds <= build.timing.busy_seconds + 1e-6


def attempt(**pieces: bytes) -> None:
    with contextlib.suppress(ParseError):
        check(read_builds(**pieces, limits=LIMITS))  # type: ignore[arg-type]


@pytest.mark.parametrize("piece", PIECES)
@given(data=st.binary(max_size=300))
def test_random_bytes(piece: str, data: bytes) -> None:
    attempt(**{piece: data})


@pytest.mark.parametrize("piece", PIECES)
@given(data=JSON)
def test_random_json(piece: str, data: object) -> None:
    attempt(**{piece: json.dumps(data).encode()})


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_damaged_recordings(data: st.DataObject) -> None:
    inputs, _ = read_case(data.draw(st.sampled_from(CASES)))
    piece = data.draw(st.sampled_from(sorted(inputs)))
    content = bytearray(inputs[piece])
    if piece == "record" and data.draw(st.booleans()):
        content = bytearray(gzip.decompress(content))
    for _ in range(data.draw(st.integers(0, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    end = data.draw(st.integers(0, len(content)) | st.just(len(content)))
    attempt(**{piece: bytes(content[:end])})


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_damaged_status_in_a_whole_bundle(data: st.DataObject) -> None:
    good = frame(vertexes=[run("a", "RUN x", 1, 2), run("b", "RUN y", 2, 3, inputs=["a"])])
    content = bytearray(good * 2)
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    attempt(record=bundle(record_fields(), {wire.STATUS_MEDIA_TYPE: bytes(content)}))


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_a_value_of_another_type_anywhere(data: st.DataObject) -> None:
    """Replace one value of a good document, at any depth, by any other."""
    document: Any = data.draw(st.sampled_from([v02(), {"buildx.build.provenance": v02()}]))
    place = document
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            break
        place[key] = place[key].copy()
        place = place[key]
    place[key] = data.draw(JSON)
    content = json.dumps(document).encode()
    attempt(provenance=content)
    attempt(metadata=content)


FIELDS = ("FrontendAttrs", "Exporters", "Result", "Results", "error", "ExporterResponse", "Ref")


@given(st.dictionaries(st.sampled_from([*FIELDS, "CreatedAt", "localState"]), JSON))
def test_records_with_fields_of_any_type(fields: dict[str, Any]) -> None:
    status = {wire.STATUS_MEDIA_TYPE: frame(vertexes=[run("a", "RUN x", 1, 2)])}
    attempt(record=bundle(record_fields(**fields), status))


vertices = st.fixed_dictionaries(
    {"digest": st.sampled_from("abcde")},
    optional={
        "name": st.sampled_from(["RUN x", "[a 1/2] RUN y", "exporting to image", "\ud800"]),
        "inputs": st.lists(st.sampled_from("abcdefg"), max_size=4),
        "cached": st.booleans(),
        "error": st.sampled_from(["", "context canceled", "exit 1"]),
        "started": st.sampled_from(
            ["0001-01-01T00:00:00Z", "2023-11-14T22:13:21Z", "2200-01-01T00:00:00Z", "x"]
        ),
        "completed": st.sampled_from(
            ["0001-01-01T00:00:00Z", "2023-11-14T22:13:20Z", "2023-11-14T22:13:29Z"]
        ),
    },
)


@given(st.lists(vertices, min_size=1, max_size=12))
def test_streams_of_any_vertices(items: list[dict[str, Any]]) -> None:
    stream = "\n".join(json.dumps({"vertexes": [item]}) for item in items).encode()
    builds = read_builds(progress=stream)
    check(builds)
    assert len(builds[0].steps) == len({item["digest"] for item in items})


def test_a_bomb_in_a_bundle() -> None:
    with pytest.raises(ParseError, match="unpacks to more than"):
        read_builds(record=gzip.compress(bytes(3_000_000)), limits=LIMITS)


def test_deep_json_in_every_piece() -> None:
    deep = b'{"a":' * 100_000
    for piece in ("metadata", "provenance"):
        with pytest.raises(ParseError, match="nested too deeply"):
            read_builds(**{piece: deep})  # type: ignore[arg-type]
    with pytest.raises(ParseError, match="no line"):
        read_builds(progress=deep)
