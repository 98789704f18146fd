"""Status frames, and how they are merged."""

import pytest

from buildkit import wire
from buildkit.errors import ParseError
from buildkit.limits import Limits
from buildkit.model import SourceRange
from buildkit.status import StatusLog
from tests.buildkit.making import BEGIN, SECOND, frame, run, stamp


def read(data: bytes, limits: Limits = Limits()) -> StatusLog:  # noqa: B008 - immutable
    log = StatusLog("record", limits)
    wire.read_status(data, log)
    return log


def at(seconds: float) -> int:
    return round((BEGIN + seconds) * SECOND)


def test_frames_of_one_vertex_are_merged() -> None:
    planned = {"digest": "a", "name": b"RUN x", "inputs": ["b", "c"]}
    begun = {"digest": "a", "started": stamp(1)}
    data = (
        frame(vertexes=[planned])
        + frame(vertexes=[begun])
        + frame(vertexes=[run("a", "RUN x", 1, 3)])
        + frame(vertexes=[run("a", "RUN x", 5, 6, cached=True)])
    )
    vertex = read(data).vertices["a"]
    assert (vertex.name, list(vertex.inputs)) == ("RUN x", ["b", "c"])
    assert vertex.starts == {at(1): at(3), at(5): at(6)}
    assert (vertex.cached, vertex.is_open, vertex.completed_ns) == (True, False, at(6))


def test_zero_times_are_not_set() -> None:
    year_one = {"seconds": -62_135_596_800}
    vertex = read(frame(vertexes=[{"digest": "a", "started": year_one, "completed": {}}]))
    assert vertex.vertices["a"].starts == {}
    assert vertex.vertices["a"].completed_ns is None


def test_an_end_without_a_start() -> None:
    vertex = read(frame(vertexes=[{"digest": "a", "completed": stamp(4)}])).vertices["a"]
    assert (vertex.started_ns, vertex.completed_ns) == (None, at(4))


@pytest.mark.parametrize(
    ("end", "message"),
    [(1, "completed before it started"), (5 + 31 * 86_400, "ran longer than can be")],
)
def test_absurd_intervals_count_nothing(end: int, message: str) -> None:
    log = read(frame(vertexes=[run("a", "x", 5, end)]))
    assert log.vertices["a"].starts == {at(5): at(5)}
    [problem] = log.problems.all()
    assert problem.path == "record/a"
    assert message in problem.message


def test_the_latest_status_of_a_transfer_is_kept() -> None:
    first = {"id": b"t", "vertex": "a", "name": b"transferring", "current": 5, "total": 9}
    last = {**first, "current": 9, "started": stamp(1), "completed": stamp(2)}
    other = {**first, "vertex": "unknown"}
    log = read(frame(vertexes=[{"digest": "a"}], statuses=[first, last, other]))
    [transfer] = log.vertices["a"].transfers.values()
    assert (transfer.name, transfer.current, transfer.total) == ("transferring", 9, 9)
    assert (transfer.started_ns, transfer.completed_ns) == (at(1), at(2))


def test_logs_are_kept_head_and_tail() -> None:
    logs = [{"vertex": "a", "timestamp": stamp(n), "stream": 2, "msg": b"12345"} for n in range(4)]
    log = read(frame(vertexes=[{"digest": "a"}], logs=logs), Limits(max_step_log_bytes=12))
    chunks = log.vertices["a"].log.chunks()
    marker = b"\n[8 bytes of this log are not kept]\n"
    assert [chunk.data for chunk in chunks] == [b"12345", b"1", marker, b"5", b"12345"]
    assert [chunk.timestamp_ns for chunk in chunks] == [at(n) for n in (0, 1, 1, 2, 3)]


def test_warnings() -> None:
    warning = {
        "vertex": "a",
        "level": 1,
        "short": b"Casing",
        "detail": [b"one", b"two"],
        "url": b"https://x",
        "info": {"filename": b"Dockerfile"},
        "ranges": [{"start": {"line": 6}, "end": {"line": 8}}],
    }
    [found] = read(frame(warnings=[warning])).warnings
    assert (found.short, found.detail, found.url) == ("Casing", ("one", "two"), "https://x")
    assert (found.filename, found.ranges) == ("Dockerfile", (SourceRange(6, 8),))


def test_text_that_is_no_utf8_or_cannot_be_stored() -> None:
    log = read(frame(vertexes=[{"digest": "a\0", "name": b"\xff\x00", "error": b"\xed\xa0\x80"}]))
    [vertex] = log.vertices.values()
    assert vertex.digest == "a\ufffd"
    assert vertex.name == "\ufffd\ufffd"
    assert vertex.error == "\ufffd\ufffd\ufffd"


@pytest.mark.parametrize("rest", [b"\x01", b"\xff\xff\xff\x7fabc", b"\x02\x00\x00\x00\x0a\xff"])
def test_a_broken_frame_keeps_what_came_before(rest: bytes) -> None:
    good = frame(vertexes=[{"digest": "a", "name": b"x"}])
    log = read(good + rest)
    assert list(log.vertices) == ["a"]
    [problem] = log.problems.all()
    assert problem.path == "record/status/frame 1"
    assert problem.message == f"broken frame at byte {len(good)}: the rest is left out"


def test_a_broken_first_frame() -> None:
    with pytest.raises(ParseError, match="record/status/frame 0: broken frame at byte 0"):
        read(b"\x05\x00\x00\x00\x0a")


def test_limits_of_vertices_and_edges() -> None:
    data = frame(vertexes=[{"digest": "a", "inputs": ["x", "y"]}, {"digest": "b", "inputs": ["x"]}])
    with pytest.raises(ParseError, match="more than 1 vertices"):
        read(data, Limits(max_vertices=1))
    with pytest.raises(ParseError, match="more than 2 edges"):
        read(data, Limits(max_edges=2))
    assert len(read(data, Limits(max_vertices=2, max_edges=3)).vertices) == 2


def test_problems_beyond_the_limit_are_counted() -> None:
    vertexes = [run(f"v{number}", "x", 5, 1) for number in range(5)]
    problems = read(frame(vertexes=vertexes), Limits(max_problems=3)).problems.all()
    assert len(problems) == 4
    assert problems[-1].message == "2 further problems"


def test_the_status_of_an_error() -> None:
    details = [{"type_url": b"x/errdefs.Vertex+json", "value": b"{}"}]
    status = wire.message_classes()["Status"](code=2, message=b"broken", details=details)
    data = status.SerializeToString()
    assert wire.read_error(data, "x") == (2, "broken", [("x/errdefs.Vertex+json", b"{}")])
    with pytest.raises(ParseError, match="x: broken error status"):
        wire.read_error(b"\xff", "x")
