"""rawjson streams, made line by line."""

import base64
import json
from typing import Any

import pytest

from buildkit.errors import ParseError
from buildkit.limits import Limits
from buildkit.model import BuildStatus, SourceRange, StepState
from buildkit.progress import read_stream
from buildkit.reading import read_builds
from tests.buildkit.making import iso, lines, ran, vertex

LOAD = "[internal] load build definition from Dockerfile"


def test_text_between_the_lines_is_kept() -> None:
    data = lines("WARNING: x", [ran("a", "RUN x", 1, 2)], '{"other": 1}', "{broken", "last")
    [build] = read_builds(progress=data)
    assert build.console == 'WARNING: x\n{"other": 1}\n{broken\nlast'
    assert [step.name for step in build.steps] == ["RUN x"]
    assert build.status == BuildStatus.SUCCEEDED


@pytest.mark.parametrize("data", [b"", b"only text\n", b'{"vertex": 1}', b"[" * 50_000])
def test_no_frame_at_all(data: bytes) -> None:
    with pytest.raises(ParseError, match="progress: no line"):
        read_builds(progress=data)


def test_a_stream_over_its_limit() -> None:
    with pytest.raises(ParseError, match="allowed are 3"):
        read_stream(b"12345", "progress", Limits(max_uncompressed_bytes=3))


def test_logs_statuses_and_warnings() -> None:
    encoded = base64.b64encode(b"hello\n").decode()
    data = lines(
        [ran("a", "RUN x", 1, 2)],
        {"logs": [{"vertex": "a", "stream": 2, "data": encoded, "timestamp": iso(1)}]},
        {"statuses": [{"id": "transferring context:", "vertex": "a", "current": 5, "total": None}]},
        {"warnings": [{"vertex": "a", "level": 1, "short": encoded, "range": [{"start": {}}]}]},
    )
    [build] = read_builds(progress=data)
    [step] = build.steps
    assert (step.log[0].data, step.log[0].stream) == (b"hello\n", 2)
    assert step.transferred_bytes == 5
    assert [(item.short, item.ranges) for item in build.warnings] == [("hello\n", ())]


def test_null_where_lists_are_expected() -> None:
    data = lines(
        {"vertexes": None, "logs": {}, "statuses": 5, "warnings": [None]},
        [ran("a", "RUN x", 1, 2, inputs=None)],
    )
    [build] = read_builds(progress=data)
    assert len(build.steps) == 1


@pytest.mark.parametrize(
    ("items", "status"),
    [
        ([[ran("a", LOAD, 1, 2)]], BuildStatus.RUNNING),
        ([[ran("a", LOAD, 1, 2)], [vertex("b", "RUN x", started=iso(3))]], BuildStatus.RUNNING),
        ([[ran("a", "RUN x", 1, 2), vertex("b", "RUN y")]], BuildStatus.RUNNING),
        ([[ran("a", "RUN x", 1, 2), vertex("b", "RUN x")]], BuildStatus.SUCCEEDED),
        ([[ran("a", "RUN x", 1, 2, error="exit code: 1")]], BuildStatus.FAILED),
        ([[ran("a", "RUN x", 1, 2, error="context canceled")]], BuildStatus.CANCELED),
        ([[vertex("a", "RUN x")], "ERROR: Canceled: context canceled"], BuildStatus.CANCELED),
        ([[vertex("a", "RUN x")], "ERROR: no space left"], BuildStatus.FAILED),
    ],
)
def test_how_a_stream_ended(items: list[Any], status: BuildStatus) -> None:
    [build] = read_builds(progress=lines(*items))
    assert build.status == status
    assert (build.completed_ns is None) == (
        status == BuildStatus.RUNNING or not any("completed" in str(item) for item in items)
    )


def test_the_error_that_the_client_printed() -> None:
    broken = ran("b", "[2/2] RUN y", 2, 3, error="exit code: 1")
    data = lines(
        [ran("a", "[1/2] RUN x", 1, 2, error="context canceled"), broken],
        "Dockerfile:7",
        "--------------------",
        "   6 |     FROM x",
        "   7 | >>> RUN y \\",
        "   8 | >>>   z",
        "--------------------",
        "ERROR: failed to build: failed to solve: y did not complete",
    )
    [build] = read_builds(progress=data)
    assert build.failure is not None
    assert build.failure.message == "y did not complete"
    assert (build.failure.vertex_digest, build.failure.filename) == ("b", "Dockerfile")
    assert build.failure.ranges == (SourceRange(7, 8),)


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("importing cache manifest from localhost:5000/cache", BuildStatus.SUCCEEDED),
        ("exporting cache to registry", BuildStatus.FAILED),
    ],
)
def test_a_cache_that_is_missing_fails_no_build(name: str, status: BuildStatus) -> None:
    data = lines([ran("c", name, 1, 2, error="not found"), ran("a", "[1/1] RUN x", 2, 3)])
    [build] = read_builds(progress=data)
    assert build.status == status
    assert (build.failure is None) == (status == BuildStatus.SUCCEEDED)


def test_targets_of_bake_are_told_apart() -> None:
    data = lines(
        [ran("l", f"[one {LOAD[1:]}", 1, 2)],
        [ran("l", f"[two {LOAD[1:]}", 1, 2)],
        [ran("f", "[one base 1/2] FROM x", 2, 3), ran("f", "[two base 1/2] FROM x", 2, 3)],
        [ran("r", "[two base 2/2] RUN y", 3, 5, inputs=["f"])],
        {"logs": [{"vertex": "r", "stream": 1, "data": "eQ==", "timestamp": iso(4)}]},
        [ran("e", "[two] exporting to image", 5, 6)],
    )
    one, two = read_builds(progress=data)
    assert (one.name_hint, two.name_hint) == ("one", "two")
    assert [step.name for step in one.steps] == [LOAD, "[base 1/2] FROM x"]
    assert [step.name for step in two.steps][2:] == ["[base 2/2] RUN y", "exporting to image"]
    assert two.steps[2].log[0].data == b"y"


def test_a_failed_target_of_bake_does_not_fail_the_other() -> None:
    data = lines(
        [ran("l", f"[one {LOAD[1:]}", 1, 2), ran("l", f"[two {LOAD[1:]}", 1, 2)],
        [ran("r", "[one 1/1] RUN x", 2, 3), ran("s", "[two 1/1] RUN y", 2, 3, error="exit 1")],
        "ERROR: failed to build: failed to solve: exit 1",
    )
    one, two = read_builds(progress=data)
    assert (one.status, two.status) == (BuildStatus.SUCCEEDED, BuildStatus.FAILED)
    assert one.failure is None


def test_too_many_targets() -> None:
    data = lines([vertex(str(n), f"[t{n} {LOAD[1:]}") for n in range(4)])
    with pytest.raises(ParseError, match="more than 3 targets"):
        read_stream(data, "progress", Limits(max_targets=3))


def test_a_lone_surrogate_and_nul_are_replaced() -> None:
    line = b'{"vertexes":[{"digest":"a\\u0000","name":"x\\ud800","error":"\\udfff\\u0000"}]}'
    [build] = read_builds(progress=line)
    [step] = build.steps
    assert (step.vertex_digest, step.name, step.error) == ("a\ufffd", "x\ufffd", "\ufffd\ufffd")
    assert step.state == StepState.FAILED


def test_what_failed_beside_a_target_of_bake_did_not_fail_it() -> None:
    def vertex(group: str, digest: str, error: str = "") -> dict[str, str]:
        return {
            "digest": f"sha256:{digest * 64}",
            "name": f"[{group} 1/1] RUN make",
            "started": "2026-01-05T10:00:00Z",
            "completed": "2026-01-05T10:00:02Z",
        } | ({"error": error} if error else {})

    definitions = [
        {
            "digest": f"sha256:{digest * 64}",
            "name": f"[{group} internal] load build definition from Dockerfile",
        }
        for group, digest in (("api", "1"), ("web", "2"))
    ]
    frame = {
        "vertexes": [
            *definitions,
            vertex("api", "a", "exit code: 1"),
            vertex("web", "b", "context canceled"),
        ]
    }
    text = (
        "ERROR: target api: failed to solve: process make: exit code: 1\n"
        "Dockerfile:7\n--------------------\n   7 | >>> RUN make\n"
    )
    builds = read_builds(progress=json.dumps(frame).encode() + b"\n" + text.encode())
    found = {build.name_hint: build for build in builds}
    api, web = found["api"].failure, found["web"].failure
    assert (found["api"].status, found["web"].status) == (BuildStatus.FAILED, BuildStatus.CANCELED)
    assert api is not None
    assert (api.message, api.filename) == ("process make: exit code: 1", "Dockerfile")
    assert web is not None
    assert (web.message, web.filename, web.ranges) == ("context canceled", "", ())
