"""Why a build failed, where somebody looks first: the terminal."""

from collections.abc import Iterator
from pathlib import Path

from buildkit.advice import likely_fixes
from buildkit.bake import Plan, Target
from buildkit.classification import classify
from buildkit.failure_classes import MEANINGS
from buildkit.model import Build, BuildStatus, Failure, Step

CONTEXT_LINES = 3
LOG_LINES = 15


def explain_failure(build: Build, plan: Plan | None, directory: Path) -> str:
    """Return the failing instruction, the end of its log, the class, and likely fixes."""
    failure = build.failure
    if failure is None or build.status is BuildStatus.CANCELED:
        return ""
    step = next((s for s in build.steps if s.vertex_digest == failure.vertex_digest), None)
    verdict = classify(failure, build.status, step)
    name = build.name_hint or build.target or "build"
    log = log_tail(step) if step else ""
    parts = [f"{name}: {failure.message}  [{verdict.failure_class} {verdict.fingerprint}]"]
    target = plan.targets.get(build.name_hint) if plan else None
    parts += list(_excerpt(target, failure, step, directory)) if target else []
    if log:
        parts += ["", "last it printed:", log]
    meaning = MEANINGS[verdict.failure_class]
    fixes = likely_fixes(f"{failure.message}\n{log}") or list(meaning.fixes)
    parts += ["", *(f"likely: {fix}" for fix in fixes)] if fixes else []
    return "\n".join(parts) + "\n"


def log_tail(step: Step) -> str:
    """Return the last lines that a step printed."""
    text = b"".join(chunk.data for chunk in step.log).decode(errors="replace")
    return "\n".join(text.rstrip().splitlines()[-LOG_LINES:])


def _excerpt(target: Target, failure: Failure, step: Step | None, directory: Path) -> Iterator[str]:
    """Yield the failing lines of the Dockerfile with a few around them."""
    lines = dockerfile_lines(target, directory)
    first, last = failing_lines(failure, step)
    if not lines or first is None or last is None or first > len(lines):
        return
    yield ""
    for number in range(max(1, first - CONTEXT_LINES), min(len(lines), last + CONTEXT_LINES) + 1):
        mark = ">>>" if first <= number <= last else "   "
        yield f"{number:4d} {mark} {lines[number - 1]}"


def failing_lines(failure: Failure, step: Step | None) -> tuple[int | None, int | None]:
    """Return the first and last failing line of the Dockerfile, if they are known."""
    if failure.ranges:
        starts = [line.start_line for line in failure.ranges]
        return min(starts), max(line.end_line for line in failure.ranges)
    line = step.dockerfile_line if step else None
    return line, line


def dockerfile_lines(target: Target, directory: Path) -> list[str]:
    """Return the lines of a target's Dockerfile; none if it is not a local file."""
    if target.inline:
        return target.inline.splitlines()
    path = directory / target.context / target.dockerfile
    try:
        return path.read_text(errors="replace").splitlines()
    except OSError:
        return []
