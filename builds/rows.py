"""From decoded builds to column values; pure, so that tests need no database."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

from django.db import models

from buildkit.logs import is_left_out_of
from buildkit.model import Build as DecodedBuild
from buildkit.model import LogChunk, ResourceSample, SourceRange, Step
from builds.masking import mask_secrets

NANOSECONDS = 1_000_000_000
INT32_MAX = 2**31 - 1
STEP_COLUMNS = (
    "month",
    "build_id",
    "position",
    "vertex_digest",
    "name",
    "kind",
    "state",
    "stage",
    "platform",
    "identity",
    "inputs",
    "intervals",
    "started_at",
    "completed_at",
    "busy_seconds",
    "slack_seconds",
    "critical",
    "what_if_seconds",
    "baseline_seconds",
    "dockerfile_name",
    "dockerfile_line",
    "layer_digest",
    "layer_bytes",
    "transferred_bytes",
    "cpu_seconds",
    "memory_peak_bytes",
    "error",
)

LOG_COLUMNS = ("build_id", "position", "text", "offsets_ms", "clipped")


def moment(nanoseconds: int | None) -> datetime | None:
    """Turn nanoseconds since the epoch into an aware time (microseconds are kept)."""
    if nanoseconds is None:
        return None
    seconds, rest = divmod(nanoseconds, NANOSECONDS)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)


def fitted(model: type[models.Model], values: Mapping[str, Any]) -> dict[str, Any]:
    """Cut texts and numbers to what their columns hold: what others write has no agreed limit."""
    fields = {field.name: field for field in model._meta.get_fields()}  # noqa: SLF001
    return {name: _fit(fields.get(name), value) for name, value in values.items()}


def _fit(field: Any, value: Any) -> Any:
    if isinstance(value, list) and hasattr(field, "base_field"):
        return [_fit(field.base_field, item) for item in value]
    if isinstance(value, int) and isinstance(field, models.PositiveIntegerField):
        return max(0, min(value, INT32_MAX))
    limit = getattr(field, "max_length", None)
    return value[:limit] if limit and isinstance(value, str) else value


def step_rows(
    build_id: int, month: date, decoded: DecodedBuild, baselines: Mapping[str, float]
) -> Iterator[tuple[Any, ...]]:
    """Yield one tuple a step in the order of ``STEP_COLUMNS``."""
    origin = decoded.started_ns
    for step in decoded.steps:
        usage = step.usage
        yield (
            month,
            build_id,
            step.position,
            step.vertex_digest[:80],
            mask_secrets(step.name),
            step.kind.value,
            step.state.value,
            step.stage[:200],
            step.platform[:60],
            step.identity[:32],
            list(step.inputs),
            _interval_offsets(step, origin),
            moment(step.started_ns),
            moment(step.completed_ns),
            step.busy_seconds,
            step.slack_seconds,
            step.critical,
            step.what_if_seconds,
            baselines.get(step.identity),
            step.dockerfile_name[:300],
            None if step.dockerfile_line is None else min(step.dockerfile_line, INT32_MAX),
            step.layer_digest[:80],
            step.layer_bytes,
            step.transferred_bytes,
            usage.cpu_seconds if usage else None,
            usage.memory_peak_bytes if usage else None,
            mask_secrets(step.error),
        )


def _interval_offsets(step: Step, origin: int | None) -> list[list[float]]:
    if not step.intervals:
        return []
    start = step.intervals[0][0] if origin is None else origin
    return [
        [(begin - start) / NANOSECONDS, (end - start) / NANOSECONDS]
        for begin, end in step.intervals
    ]


def log_rows(build_id: int, decoded: DecodedBuild) -> Iterator[tuple[Any, ...]]:
    """Yield one tuple in the order of ``LOG_COLUMNS`` for each step that printed something."""
    for step in decoded.steps:
        if step.log:
            text, offsets, clipped = log_lines(step.log, decoded.started_ns)
            yield (build_id, step.position, text, offsets, clipped)


def log_lines(chunks: Iterable[LogChunk], origin: int | None) -> tuple[str, list[int], bool]:
    """Join chunks into text; return it, each line's offset in ms, and whether some is left out.

    A line belongs to the chunk that began it: chunks end anywhere, also within a character.
    """
    data = bytearray()
    offsets: list[int] = []
    at_line_start = True
    for chunk in chunks:
        piece = chunk.data
        if not piece:
            continue
        known = chunk.timestamp_ns is not None and origin is not None
        offset = max(-1, ((chunk.timestamp_ns or 0) - (origin or 0)) // 1_000_000) if known else -1
        begun = piece.count(b"\n") + (not piece.endswith(b"\n")) - (not at_line_start)
        offsets.extend([min(offset, INT32_MAX)] * begun)
        at_line_start = piece.endswith(b"\n")
        data += piece
    text = data.decode("utf-8", "replace").replace("\0", "\ufffd")
    return mask_secrets(text), offsets, is_left_out_of(data)


def line_pairs(ranges: Iterable[SourceRange]) -> list[list[int]]:
    """Turn source ranges into JSON pairs of first and last line."""
    return [[line.start_line, line.end_line] for line in ranges]


def resource_columns(samples: Iterable[ResourceSample], origin: int | None) -> dict[str, Any]:
    """Turn samples into the parallel arrays of ``ResourceSeries``."""
    ordered = sorted(samples, key=lambda sample: sample.at_ns)
    start = ordered[0].at_ns if origin is None else origin
    totals = [s.memory_total_bytes for s in ordered if s.memory_total_bytes is not None]
    columns: dict[str, Any] = {
        name: [getattr(sample, name) for sample in ordered]
        for name in (
            "cpu_ratio",
            "memory_used_bytes",
            "disk_read_bytes",
            "disk_write_bytes",
            "network_rx_bytes",
            "network_tx_bytes",
        )
    }
    columns["offsets_seconds"] = [(sample.at_ns - start) / NANOSECONDS for sample in ordered]
    columns["memory_total_bytes"] = totals[-1] if totals else None
    return columns


def text_sha256(text: str) -> str:
    """Return the content address of a source text."""
    return hashlib.sha256(text.encode()).hexdigest()
