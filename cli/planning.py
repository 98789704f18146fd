"""Bake's plan of what to build, and errors of a definition that say where to look."""

import json
import re
from collections.abc import Sequence

from buildkit.bake import CycleInPlanError, Plan, read_plan
from cli.engine import buildx
from cli.errors import UsageError

_CYCLE = re.compile(r"infinite loop from (\S+) to (\S+)")
_UNKNOWN = re.compile(r"failed to find target (.+)")
_LONGEST_CYCLE = 50

DECLARED = ("variant", "environment")
"""Fields of a build that are Bake variables by the same name in capitals."""


def bake_options(files: Sequence[str], overrides: Sequence[str]) -> list[str]:
    """Return the options that name definitions and overrides."""
    return [
        *(f"--file={file}" for file in files),
        *(f"--set={override}" for override in overrides),
    ]


def plan_of(
    files: Sequence[str],
    targets: Sequence[str],
    overrides: Sequence[str] = (),
    variant: str | None = None,
) -> Plan:
    """Return what Bake would build.

    Raises:
        UsageError: the definition or a name is wrong.
    """
    command = ["bake", *bake_options(files, overrides), "--print", *targets]
    try:
        return read_plan(buildx(*command, variant=variant))
    except UsageError as error:
        raise explained(error, files) from error


def declared_values(command: Sequence[str]) -> dict[str, str]:
    """Return variant and environment where the definition has them as variables."""
    try:
        listed = json.loads(buildx(*command, "--list=type=variables,format=json"))
    except UsageError:
        return {}  # a Bake before 0.20 lists nothing
    values = {item["name"]: item.get("value") for item in listed or ()}
    return {name: str(value) for name in DECLARED if (value := values.get(name.upper()))}


def explained(error: UsageError, files: Sequence[str]) -> UsageError:
    """Return Bake's error with the whole cycle, or the names that there are."""
    if cycle := _CYCLE.search(error.message):
        return UsageError(str(CycleInPlanError(_cycle(cycle[1], cycle[2], files))))
    if unknown := _UNKNOWN.search(error.message):
        names = ", ".join(_names(files))
        return UsageError(f"There is no target {unknown[1]}; there are {names or 'none'}.")
    return error


def _cycle(needs: str, needed: str, files: Sequence[str]) -> list[str]:
    """Return a cycle in the order of needs, from its first name and back to it.

    Bake names only the edge at which it noticed. Asked about the target that this edge leaves, it
    names the edge into it, and so on around.
    """
    cycle = [needed]
    while needs != cycle[-1] and len(cycle) < _LONGEST_CYCLE:
        cycle.insert(0, needs)
        try:
            buildx("bake", *bake_options(files, ()), "--print", needs)
            break
        except UsageError as error:
            found = _CYCLE.search(error.message)
            if found is None or found[2] != needs:
                break
            needs = found[1]
    first = cycle.index(min(cycle))
    return [*cycle[first:], *cycle[:first], cycle[first]]


def _names(files: Sequence[str]) -> list[str]:
    try:
        listed = buildx("bake", *bake_options(files, ()), "--list=type=targets,format=json")
        return [item["name"] for item in json.loads(listed)]
    except (UsageError, ValueError, KeyError):
        return []
