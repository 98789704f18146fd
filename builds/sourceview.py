"""A Dockerfile as a build read it, with what happened at each line."""

import re
from collections.abc import Sequence
from typing import Any

from buildinsights.templatetags.formats import duration
from builds.models import Build, BuildSource, BuildWarning, Step

KEYWORD = re.compile(r"^(\s*[A-Za-z]+)(?=\s)")
CONTEXT_LINES = 5
"""Lines shown around a failing one in an excerpt."""


def source_context(
    build: Build,
    source: BuildSource,
    steps: Sequence[Step],
    warnings: Sequence[BuildWarning] = (),
) -> dict[str, Any]:
    """Return the context of ``builds/_source.html`` for one file."""
    lines = annotated_lines(build, source, steps, warnings)
    failed = [line["number"] for line in lines if line["failed"]]
    return {
        "filename": source.filename,
        "lines": lines,
        "failed_at": failed[0] if failed else None,
    }


def annotated_lines(
    build: Build,
    source: BuildSource,
    steps: Sequence[Step],
    warnings: Sequence[BuildWarning] = (),
) -> list[dict[str, Any]]:
    """Return every line with the slowest step that starts there, failures and warnings."""
    failing = failing_lines(build, source, steps)
    by_line = _steps_by_line(source, steps)
    notes = {
        last: warning.short
        for warning in warnings
        if warning.filename in {"", source.filename}
        for _, last in warning.lines
    }
    if failing:
        notes[max(failing)] = build.failure_message
    return [
        _line(number, text, by_line.get(number), number in failing, notes.get(number, ""))
        for number, text in enumerate(source.source_text.text.split("\n"), start=1)
    ]


def failing_lines(build: Build, source: BuildSource, steps: Sequence[Step]) -> set[int]:
    """Return the lines at which the build failed, if it failed in this file."""
    if build.failure_filename not in {"", source.filename}:
        return set()
    if build.failure_lines:
        return {line for first, last in build.failure_lines for line in range(first, last + 1)}
    step = next((step for step in steps if step.position == build.failure_step), None)
    return {step.dockerfile_line} if step and step.dockerfile_line else set()


def excerpt(lines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the failing lines with a few around them, or nothing if none failed."""
    failed = [line["number"] for line in lines if line["failed"]]
    if not failed:
        return []
    first, last = min(failed) - CONTEXT_LINES, max(failed) + CONTEXT_LINES
    return [line for line in lines if first <= line["number"] <= last]


def _steps_by_line(source: BuildSource, steps: Sequence[Step]) -> dict[int, Step]:
    """One line may make a step for each platform: the one that took longest stands for it."""
    found: dict[int, Step] = {}
    for step in steps:
        line = step.dockerfile_line
        if line is None or step.dockerfile_name not in {"", source.filename}:
            continue
        if line not in found or step.busy_seconds > found[line].busy_seconds:
            found[line] = step
    return found


def _line(number: int, text: str, step: Step | None, failed: bool, note: str) -> dict[str, Any]:
    comment = text.lstrip().startswith("#")
    keyword = None if comment else KEYWORD.match(text)
    return {
        "number": number,
        "keyword": keyword[1] if keyword else "",
        "text": text[keyword.end() :] if keyword else text,
        "comment": comment,
        "failed": failed,
        "state": step.state if step else "",
        "busy": duration(step.busy_seconds) if step and step.state == "executed" else "",
        "href": f"?tab=steps#step-{step.position}" if step else "",
        "annotation": note,
    }
