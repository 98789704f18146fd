"""The file of a build's rawjson: bounded, and a disk that is full ends it and not the build."""

import base64
import json
from collections import Counter, deque
from pathlib import Path
from typing import Any, BinaryIO

import click

HEAD_BYTES = 24 * 1024**2
TAIL_BYTES = 8 * 1024**2
"""What is kept of a stream's log frames at its beginning and at its end.

BuildKit gives out 2 MiB of a step unless its builder is told otherwise; states are always kept.
"""


class ProgressFile:
    """Lines in the order in which they come; of very many log frames, the first and the last."""

    def __init__(
        self, path: Path, head_bytes: int = HEAD_BYTES, tail_bytes: int = TAIL_BYTES
    ) -> None:
        self._path = path
        self._room = head_bytes
        self._tail_bytes = tail_bytes
        self._tail: deque[bytes] = deque()
        self._kept = 0
        self._omitted: Counter[str] = Counter()

    def __enter__(self) -> "ProgressFile":
        self._file: BinaryIO | None = self._path.open("wb", buffering=0)
        return self

    def __exit__(self, *_: object) -> None:
        if self._omitted:
            self._write(_telling(self._omitted))
        for line in self._tail:
            self._write(line)
        if self._file:
            self._file.close()

    def add(self, line: bytes) -> None:
        """Write a line, or hold it back for the end."""
        if b'"logs":[' not in line or b'"vertexes":[' in line:
            self._write(line)
        elif self._room > 0:
            self._room -= len(line)
            self._write(line)
        else:
            self._hold(line)

    def _hold(self, line: bytes) -> None:
        self._tail.append(line)
        self._kept += len(line)
        while self._kept > self._tail_bytes and len(self._tail) > 1:
            oldest = self._tail.popleft()
            self._kept -= len(oldest)
            for vertex, data in _printed(oldest):
                self._omitted[vertex] += len(data)

    def _write(self, line: bytes) -> None:
        """Write a line, as long as that goes well."""
        if self._file is None:
            return
        try:
            self._file.write(line)
        except OSError as error:
            self._file.close()
            self._file = None
            click.echo(f"The record of this build ends here: {self._path}: {error}", err=True)


def _printed(line: bytes) -> list[tuple[str, bytes]]:
    try:
        chunks = json.loads(line)["logs"]
        return [(str(item["vertex"]), base64.b64decode(item["data"])) for item in chunks]
    except (ValueError, KeyError, TypeError):
        return []  # nothing that a reader of the file would understand


def _telling(omitted: Counter[str]) -> bytes:
    """Return a frame in which the steps themselves say how much of their output is missing."""
    logs: list[dict[str, Any]] = [
        {
            "vertex": vertex,
            "stream": 2,
            "data": base64.b64encode(
                f"\n[{size} bytes of this log are not kept]\n".encode()
            ).decode(),
        }
        for vertex, size in omitted.items()
    ]
    return json.dumps({"logs": logs}, separators=(",", ":")).encode() + b"\n"
