"""A build that prints without end leaves a file that is bounded, and says so."""

import base64
import json
from pathlib import Path

from buildkit.reading import read_builds
from cli.progress_file import ProgressFile

STARTED = {"digest": "sha256:a", "name": "[2/2] RUN yes", "started": "2026-05-01T12:00:00Z"}
ENDED = STARTED | {"completed": "2026-05-01T12:01:00Z"}


def line(**frame: object) -> bytes:
    return json.dumps(frame, separators=(",", ":")).encode() + b"\n"


def printed(number: int) -> bytes:
    data = base64.b64encode(f"line {number:07}\n".encode()).decode()
    chunk = {"vertex": "sha256:a", "stream": 1, "data": data}
    return line(logs=[chunk | {"timestamp": f"2026-05-01T12:00:{number % 60:02}Z"}])


def write(path: Path, lines: int, **bounds: int) -> str:
    """Write a step that prints so many lines; return its log as it is read."""
    with ProgressFile(path, **bounds) as file:
        file.add(line(vertexes=[STARTED]))
        for number in range(lines):
            file.add(printed(number))
        file.add(line(vertexes=[ENDED]))
    [build] = read_builds(progress=path.read_bytes())
    [step] = build.steps
    assert step.completed_ns is not None, "states are always kept"
    return b"".join(chunk.data for chunk in step.log).decode()


def test_head_and_tail_are_kept_and_the_log_says_so(tmp_path: Path):
    path, length = tmp_path / "progress.rawjson", len(printed(0))
    log = write(path, 1000, head_bytes=3 * length, tail_bytes=2 * length)
    assert log.splitlines() == [
        "line 0000000",
        "line 0000001",
        "line 0000002",
        "",
        "[12935 bytes of this log are not kept]",
        "line 0000998",
        "line 0000999",
    ]
    assert path.stat().st_size < 10 * length


def test_a_usual_log_is_kept_whole(tmp_path: Path):
    log = write(tmp_path / "progress.rawjson", 1000)
    assert log.splitlines() == [f"line {number:07}" for number in range(1000)]
