"""``--verbose-cache``: which steps came from the cache, and where each chain began to run."""

from collections.abc import Iterator

from buildkit.model import CACHEABLE_KINDS, Build, Step, StepKind, StepState


def explain_cache(build: Build) -> str:
    """Return a line for each cacheable step and each import of a cache."""
    lines = [f"{build.name_hint or build.target or 'build'}:"]
    lines += [f"  {line}" for line in _lines(build)]
    return "\n".join(lines) + "\n"


def _lines(build: Build) -> Iterator[str]:
    by_position = {step.position: step for step in build.steps}
    for step in build.steps:
        if step.kind is StepKind.IMPORT_CACHE:
            yield f"import  {step.name}{f': {step.error}' if step.error else ''}"
        elif step.kind in CACHEABLE_KINDS:
            yield f"{_word(step, by_position):<7} {step.name}"


def _word(step: Step, by_position: dict[int, Step]) -> str:
    if step.state is StepState.CACHED:
        return "cached"
    if step.state is not StepState.EXECUTED:
        return step.state.value
    inputs = [by_position[position] for position in step.inputs]
    follows = any(
        item.state is StepState.EXECUTED and item.kind in CACHEABLE_KINDS for item in inputs
    )
    return "ran" if follows else "FIRST"
