"""What a step printed, within bounds: its head and its tail."""

import re
from collections import deque
from dataclasses import dataclass, field

from buildkit.limits import Limits
from buildkit.model import LogChunk

_LEFT_OUT = re.compile(rb"\[output clipped, log limit|\[\d+ bytes of this log are not kept\]")
"""BuildKit writes the first into a log that is longer, or comes faster, than it gives out."""


@dataclass(slots=True)
class BoundedLog:
    """Chunks in order; of more than ``limit`` bytes, the first half and the last half are kept."""

    limit: int = Limits().max_step_log_bytes
    size: int = 0
    _head: list[LogChunk] = field(default_factory=list)
    _tail: deque[LogChunk] = field(default_factory=deque)
    _head_bytes: int = 0
    _tail_bytes: int = 0

    def add(self, chunk: LogChunk) -> None:
        """Append what was printed."""
        self.size += len(chunk.data)
        first, rest = _cut(chunk, self.limit // 2 - self._head_bytes)
        if first.data:
            self._head.append(first)
            self._head_bytes += len(first.data)
        if rest.data:
            self._tail.append(rest)
            self._tail_bytes += len(rest.data)
            self._shorten_tail()

    @property
    def omitted_bytes(self) -> int:
        """How much was printed between the head and the tail."""
        return self.size - self._head_bytes - self._tail_bytes

    def chunks(self) -> tuple[LogChunk, ...]:
        """Return what is kept, with a line that says so where something is not."""
        if not self.omitted_bytes:
            return (*self._head, *self._tail)
        last = self._head[-1] if self._head else self._tail[0]
        words = f"\n[{self.omitted_bytes} bytes of this log are not kept]\n".encode()
        return (*self._head, LogChunk(last.timestamp_ns, last.stream, words), *self._tail)

    def _shorten_tail(self) -> None:
        surplus = self._tail_bytes - (self.limit - self.limit // 2)
        while surplus > 0:
            dropped, kept = _cut(self._tail.popleft(), surplus)
            if kept.data:
                self._tail.appendleft(kept)
            self._tail_bytes -= len(dropped.data)
            surplus -= len(dropped.data)


def is_left_out_of(log: bytes | bytearray) -> bool:
    """Tell whether a log says that not all of it is there."""
    return _LEFT_OUT.search(log) is not None


def _cut(chunk: LogChunk, place: int) -> tuple[LogChunk, LogChunk]:
    first, rest = chunk.data[:place], chunk.data[place:]
    return (
        LogChunk(chunk.timestamp_ns, chunk.stream, first),
        LogChunk(chunk.timestamp_ns, chunk.stream, rest),
    )
