"""Values of BUILD_SECRETS are not seen, wherever a build lets them out."""

import base64
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builds.masking import MASK
from farm.hiding import Hidden
from farm.live import LiveView

SECRET = 'hunter2<"&é>'
CORPUS = Path(__file__).resolve().parents[1] / "corpus" / "buildkit"


def frames(pieces: list[bytes]) -> bytes:
    """A step that prints those pieces, as rawjson."""
    vertex = {"digest": "sha256:a", "name": "[2/2] RUN x", "started": "2026-05-01T12:00:00Z"}
    logs = [
        {"logs": [{"vertex": "sha256:a", "stream": 1, "data": base64.b64encode(piece).decode()}]}
        for piece in pieces
    ]
    documents = [{"vertexes": [vertex]}, *logs]
    return b"".join(json.dumps(document).encode() + b"\n" for document in documents)


def printed(stream: bytes) -> bytes:
    documents = map(json.loads, stream.splitlines())
    chunks = (chunk for document in documents for chunk in document.get("logs", ()))
    return b"".join(base64.b64decode(chunk["data"]) for chunk in chunks)


def test_only_what_is_long_enough_counts_line_by_line(settings: Any, monkeypatch: Any):
    settings.BUILD_SECRETS = ["ONE", "TWO", "NOT_SET"]
    monkeypatch.setenv("ONE", "abc")
    monkeypatch.setenv("TWO", "first line\nsecond\n")
    assert Hidden.of_this_worker().values == ("first line", "second")


@given(st.lists(st.integers(min_value=0, max_value=40), max_size=6))
def test_a_value_is_masked_wherever_chunks_end(cuts: list[int]):
    whole = f"before {SECRET} after\n".encode()
    places = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    pieces = [whole[a:b] for a, b in pairwise(places)]
    masked = printed(Hidden((SECRET,)).progress(frames(pieces)))
    assert masked == b"before " + b"*" * len(SECRET.encode()) + b" after\n"


@given(st.lists(st.integers(min_value=0, max_value=40), max_size=6))
def test_the_live_view_never_shows_a_part_of_it(cuts: list[int]):
    whole = f"before {SECRET} after\n".encode()
    places = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    view = LiveView(Hidden((SECRET,)).text)
    for begin, end in pairwise(places):
        view.take(frames([whole[begin:end]]))
        assert "hunter" not in json.dumps(view.shown())
    assert view.shown()["log"][-1].endswith(f"before {MASK} after")


@pytest.mark.parametrize(
    "written",
    [SECRET, json.dumps(SECRET)[1:-1], 'hunter2\\u003c\\"\\u0026é\\u003e'],
    ids=["plain", "python", "go"],
)
def test_a_value_is_found_as_each_language_writes_it(written: str):
    masked = Hidden((SECRET,)).data(f'{{"arg": "{written}"}}'.encode())
    assert b"hunter2" not in masked
    assert masked.startswith(b'{"arg": "***')


def test_lines_that_are_no_frames_stay():
    stream = b"Dockerfile:2 hunter2hunter2\n[1, 2]\n"
    assert Hidden(("hunter2hunter2",)).progress(stream) == b"Dockerfile:2 **************\n[1, 2]\n"


def test_a_record_is_searched_unpacked_and_decoded():
    bundle = (CORPUS / "failed" / "input.dockerbuild").read_bytes()
    assert Hidden(("busybox",)).is_in_record(bundle), "in the provenance"
    assert not Hidden(("not-in-there",)).is_in_record(bundle)
    assert Hidden(("not-in-there",)).is_in_record(bundle[:100]), "nobody can tell"
    assert not Hidden().is_in_record(bundle[:100])
