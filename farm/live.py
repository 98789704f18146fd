"""What a build does now, from its rawjson as it grows: steps, counts, the end of the log."""

import base64
import json
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from buildkit.steps import is_canceled, parse_name
from buildkit.times import parse_time, seconds_between
from farm.hiding import Hidden

LOG_LINES = 200
LOG_LINE_LENGTH = 500
NAME_LENGTH = 500
STEPS_SHOWN = 100
BEGUN_LENGTH = 64 * 1024
"""A longer line without an end, in bytes, is left out."""


@dataclass(slots=True)
class LiveStep:
    """One vertex as it stands."""

    name: str
    """The beginning of its name, masked."""
    started: int | None = None
    ended: int | None = None
    cached: bool = False
    error: str = ""

    @property
    def state(self) -> str:
        """The step's state by the names of finished builds, or ``running`` or ``waiting``."""
        if self.error:
            return "canceled" if is_canceled(self.error) else "failed"
        if self.ended is None:
            return "running" if self.started is not None else "waiting"
        return "cached" if self.cached else "executed"

    def seconds(self, now: int) -> float | None:
        """How long it has run so far."""
        if self.started is None:
            return None
        return max(0.0, seconds_between(self.started, self.ended or now))


@dataclass(slots=True)
class LiveView:
    """Steps by vertex digest, in the order in which BuildKit announced them."""

    hidden: Hidden = field(default_factory=Hidden)
    steps: dict[str, LiveStep] = field(default_factory=dict)
    log: deque[str] = field(default_factory=lambda: deque(maxlen=LOG_LINES))
    _rest: bytes = b""
    _begun: dict[str, bytes] = field(default_factory=dict)

    def take(self, data: bytes) -> bool:
        """Merge what was appended to the stream; tell whether anything changed."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        return any([self._take_line(line) for line in lines if line])

    def _take_line(self, line: bytes) -> bool:
        try:
            frame = json.loads(line)
        except ValueError:
            frame = None
        if not isinstance(frame, dict):
            self._say("", [line])
            return True
        for vertex in _dicts(frame.get("vertexes")):
            self._take_vertex(vertex)
        for chunk in _dicts(frame.get("logs")):
            self._take_log(chunk)
        return bool(frame.get("vertexes") or frame.get("logs"))

    def _take_vertex(self, vertex: Mapping[str, Any]) -> None:
        digest = str(vertex.get("digest"))
        if digest not in self.steps:
            name = str(vertex.get("name", ""))
            self.steps[digest] = LiveStep(self.hidden.beginning(name, NAME_LENGTH))
        step = self.steps[digest]
        step.started = step.started or parse_time(vertex.get("started"))
        step.ended = parse_time(vertex.get("completed")) or step.ended
        step.cached = step.cached or bool(vertex.get("cached"))
        step.error = str(vertex.get("error") or step.error)
        if step.ended is not None and (rest := self._begun.pop(digest, b"")):
            self._say(digest, [rest])

    def _take_log(self, chunk: Mapping[str, Any]) -> None:
        digest = str(chunk.get("vertex"))
        try:
            data = base64.b64decode(str(chunk.get("data", "")))
        except ValueError:
            return
        *lines, rest = (self._begun.pop(digest, b"") + data).split(b"\n")
        # What is hidden is looked for in whole lines: a chunk may end within a secret.
        self._begun[digest] = rest if len(rest) <= BEGUN_LENGTH else b""
        self._say(digest, lines)

    def _say(self, digest: str, lines: Iterable[bytes]) -> None:
        step = self.steps.get(digest)
        parsed = parse_name(step.name) if step else None
        prefix = f"{parsed.stage or parsed.instruction[:24]}: " if parsed else ""
        for line in lines:
            text = line.decode(errors="replace")
            shown = self.hidden.text(prefix + text.removesuffix("\r").rsplit("\r", 1)[-1])
            self.log.append(shown[:LOG_LINE_LENGTH])

    def shown(self) -> dict[str, Any]:
        """Return what the page needs, small enough to write every second."""
        now = round(datetime.now(UTC).timestamp() * 1e9)
        steps = list(self.steps.values())
        return {
            "steps": [
                {
                    "name": step.name,
                    "state": step.state,
                    "seconds": step.seconds(now),
                }
                for step in _by_interest(steps)[:STEPS_SHOWN]
            ],
            "done": sum(step.ended is not None for step in steps),
            "total": len(steps),
            "cached": sum(step.state == "cached" for step in steps),
            "log": list(self.log),
        }


def _by_interest(steps: Iterable[LiveStep]) -> list[LiveStep]:
    """Return what runs, in the order in which it began, and then what has ended, the last first."""
    running = [step for step in steps if step.state == "running"]
    ended = [step for step in steps if step.ended is not None]
    running.sort(key=lambda step: step.started or 0)
    return running + sorted(ended, key=lambda step: step.ended or 0, reverse=True)


def _dicts(items: object) -> Iterable[dict[str, Any]]:
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
