"""Decoded builds made by hand, for tests that need no bytes."""

from typing import Any

from buildkit.model import (
    CACHEABLE_KINDS,
    Build,
    BuildStatus,
    CacheCounts,
    LogChunk,
    Step,
    StepKind,
    StepState,
    Timing,
)

SECOND = 1_000_000_000
START = 1_767_600_000 * SECOND
"""2026-01-05 08:00:00 UTC."""


def step(position: int, start: float, end: float, **fields: Any) -> Step:
    """A step that was busy from ``start`` to ``end`` seconds after the build's start."""
    begun, ended = START + round(start * SECOND), START + round(end * SECOND)
    values: dict[str, Any] = {
        "position": position,
        "vertex_digest": f"sha256:{position:064x}",
        "name": f"[build {position}] RUN step {position}",
        "kind": StepKind.RUN,
        "state": StepState.EXECUTED,
        "stage": "build",
        "platform": "linux/amd64",
        "instruction": f"RUN step {position}",
        "ordinal": 0,
        "identity": f"identity-{position}",
        "inputs": (position - 1,) if position else (),
        "intervals": ((begun, ended),) if end > start else (),
        "started_ns": begun,
        "completed_ns": ended,
        "busy_seconds": end - start,
        "slack_seconds": 0.0,
        "critical": True,
        "what_if_seconds": end - start,
    }
    return Step(**(values | fields))


def cached(position: int, **fields: Any) -> Step:
    """A step that came from the cache."""
    return step(position, 0, 0, state=StepState.CACHED, **fields)


def printed(text: str, at: float | None) -> LogChunk:
    """A chunk of output at ``at`` seconds after the build's start."""
    return LogChunk(None if at is None else START + round(at * SECOND), 1, text.encode())


def build(*steps: Step, ref: str = "ref1", started: int = START, **fields: Any) -> Build:
    """A succeeded build of those steps."""
    wall = max((s.completed_ns or START for s in steps), default=START) - START
    cacheable = [s for s in steps if s.kind in CACHEABLE_KINDS]
    hits = sum(s.state == StepState.CACHED for s in cacheable)
    busy = sum(s.busy_seconds for s in steps)
    values: dict[str, Any] = {
        "buildkit_ref": ref,
        "status": BuildStatus.SUCCEEDED,
        "target": "",
        "platforms": ("linux/amd64",),
        "started_ns": started,
        "completed_ns": started + wall,
        "timing": Timing(wall / SECOND, busy, busy, 1.0, 0.0),
        "cache": CacheCounts(len(steps), hits, len(cacheable), hits),
        "steps": steps,
    }
    return Build(**(values | fields))
