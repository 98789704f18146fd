"""Values of BUILD_SECRETS are not seen, wherever a build lets them out."""

import base64
import json
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builds.masking import MASK
from farm.hiding import Hidden
from farm.live import LiveView
from farm.outcomes import _author, _said

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
    view = LiveView(Hidden((SECRET,)))
    for begin, end in pairwise(places):
        view.take(frames([whole[begin:end]]))
        assert "hunter" not in json.dumps(view.shown())
    assert view.shown()["log"][-1].endswith(f"before {MASK} after")


def test_masking_a_long_log_takes_as_long_as_the_log_is():
    stream = frames([b"x" * 512] * 20_000)
    began = time.monotonic()
    assert len(printed(Hidden((SECRET,)).progress(stream))) == 512 * 20_000
    assert time.monotonic() - began < 5, "each chunk was added to a copy of all before"


LONG_SECRET = "".join(f"{number:04}" for number in range(1500))
"""Of 6000 characters, and every four of them are in it once."""


def parts_in(text: str) -> list[str]:
    """Return what a text shows of the long secret."""
    return [text[at : at + 8] for at in range(len(text) - 7) if text[at : at + 8] in LONG_SECRET]


@given(st.lists(st.one_of(st.just(LONG_SECRET), st.integers(1, 7000).map("x".__mul__))))
def test_a_long_text_is_cut_without_showing_a_part_of_a_value(pieces: list[str]):
    hidden, whole = Hidden((LONG_SECRET,)), "".join(pieces)
    for cut in (hidden.beginning(whole, 500), hidden.ending(whole, 500)):
        assert len(cut) <= 500
        assert parts_in(cut) == []


@given(st.text(alphabet="xyz ", max_size=20_000))
def test_a_long_text_without_values_is_just_cut(text: str):
    hidden = Hidden((LONG_SECRET,))
    assert hidden.beginning(text, 500) == text[:500]
    assert hidden.ending(text, 500) == text[-500:]


def test_what_a_command_said_is_cut_without_showing_a_part_of_a_value(tmp_path: Path):
    text = f"it says {LONG_SECRET} and then {'é' * 480}"
    (tmp_path / "said.log").write_text(text)
    said = _said(tmp_path / "home", 500, Hidden((LONG_SECRET,)))
    assert said.endswith(f"and then {'é' * 480}")
    assert parts_in(said) == []


def test_the_live_view_cuts_names_without_showing_a_part_of_a_value():
    for length in range(0, 40, 3):
        name = f"[2/2] RUN {'x' * length} {LONG_SECRET} {LONG_SECRET}"
        vertex = {"digest": "sha256:a", "name": name, "started": "2026-05-01T12:00:00Z"}
        log = {"vertex": "sha256:a", "data": base64.b64encode(b"said\n").decode()}
        view = LiveView(Hidden((LONG_SECRET,)))
        view.take(json.dumps({"vertexes": [vertex], "logs": [log]}).encode() + b"\n")
        [step], [line] = view.shown()["steps"], view.shown()["log"]
        assert step["name"].startswith(f"[2/2] RUN {'x' * length} {MASK}")
        assert line.endswith(": said")
        assert parts_in(step["name"] + line) == []


class Counting(Hidden):
    """Counts the characters that it is given to mask."""

    looked_at = 0

    def text(self, text: str) -> str:
        Counting.looked_at += len(text)
        return super().text(text)


def test_a_name_is_masked_once_and_as_far_as_it_is_shown():
    name = f"RUN {'x ' * 100_000}"
    vertex = {"digest": "sha256:a", "name": name, "started": "2026-05-01T12:00:00Z"}
    view = LiveView(Counting())
    for _ in range(20):
        view.take(json.dumps({"vertexes": [vertex]}).encode() + b"\n")
        assert view.shown()["steps"][0]["name"] == name[:500]
    assert 500 < Counting.looked_at < 20_000


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


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"author": "Ana Moreau"}, {"author": "Ana Moreau"}),
        ({"author": f"Ana {SECRET}"}, {"author": f"Ana {MASK}"}),
        ({"author": "ana@example.com"}, {}),
        ({"author": ["Ana"]}, {}),
        ("no object", {}),
        ({"author": "x" * 900}, {"author": "x" * 200}),
    ],
)
def test_the_author_of_the_commit_is_handed_on_as_a_name(fields: Any, told: dict[str, str]):
    assert _author({"fields": fields}, Hidden((SECRET,))) == told
