"""Logs of a build as numbered, searchable lines."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from builds.ansi import ansi_line, plain_line
from builds.models import Build, Step, StepLog

MAX_LINES = 5000
"""A page shows this many lines; the raw log has all of them."""

TAIL_LINES = 12
"""How much of a failed step's log stands beside the failure: the cause is mostly there."""


def log_context(build: Build, step: int | None, query: str) -> dict[str, Any]:
    """Return the log tab: one step's lines, or all steps' in order, narrowed by ``query``."""
    steps = {found.position: found for found in Step.objects.of(build)}
    logs = StepLog.objects.filter(build_id=build.pk).order_by("position")
    printed = [steps[position] for position in _positions(logs) if position in steps]
    wanted = logs if step is None else logs.filter(position=step)
    if query:
        wanted = wanted.filter(text__icontains=query)
    found = list(wanted)
    lines = log_lines(found, query, steps if step is None else {})
    return {
        "title": steps[step].name if step in steps else "Log of all steps",
        "step": step,
        "steps": printed,
        "query": query,
        "lines": lines[:MAX_LINES],
        "omitted": max(0, len(lines) - MAX_LINES),
        "clipped": any(log.clipped for log in found),
    }


def log_tail(build: Build, position: int) -> list[dict[str, Any]]:
    """Return the last lines that one step printed, without the empty ones at the end."""
    logs = StepLog.objects.filter(build_id=build.pk, position=position)
    lines = log_lines(logs, "", {})
    while lines and not lines[-1]["html"].strip():
        lines.pop()
    return lines[-TAIL_LINES:]


def plain_tail(build: Build, position: int) -> list[str]:
    """Return the same as text."""
    logs = StepLog.objects.filter(build_id=build.pk, position=position)
    lines = "\n".join(log.text for log in logs).rstrip().splitlines()
    return [plain_line(line) for line in lines[-TAIL_LINES:]]


def _positions(logs: Any) -> list[int]:
    return list(logs.values_list("position", flat=True))


def log_lines(
    logs: Iterable[StepLog], query: str, steps: Mapping[int, Step]
) -> list[dict[str, Any]]:
    """Return the lines of several logs, numbered through, those that contain ``query``.

    Those of failed ``steps`` are marked.
    """
    wanted = query.casefold()
    lines: list[dict[str, Any]] = []
    number = 0
    for log in logs:
        step = steps.get(log.position)
        failed = step is not None and step.state == "failed"
        for index, text in enumerate(split_lines(log.text)):
            number += 1
            if wanted and wanted not in plain_line(text).casefold():
                continue
            lines.append(
                {
                    "number": number,
                    "at": offset_seconds(log.offsets_ms, index),
                    "html": ansi_line(text),
                    "failed": failed,
                    "step": log.position,
                }
            )
    return lines


def split_lines(text: str) -> list[str]:
    """Split at newlines only; a last newline ends a line and does not begin one."""
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def offset_seconds(offsets_ms: Sequence[int], index: int) -> float | None:
    """Return when a line was begun, in seconds after the build's start."""
    if index >= len(offsets_ms) or offsets_ms[index] < 0:
        return None
    return offsets_ms[index] / 1000


def raw_log(build: Build) -> Iterable[str]:
    """Yield everything the steps printed, each under its name."""
    names = dict(Step.objects.of(build).values_list("position", "name"))
    for log in StepLog.objects.filter(build_id=build.pk).order_by("position").iterator():
        yield f"#{log.position} {names.get(log.position, '')}\n"
        yield from (plain_line(line) + "\n" for line in split_lines(log.text))
        yield "\n"
