"""Which entries of a builder's cache the steps of recorded builds have made.

BuildKit names no step in an entry. It describes what made it (``[build 2/4] COPY …``, ``mount /
from exec /bin/sh -c …``, ``imported sha256:…``) and tells when, to the nanosecond.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from buildkit.caching.usage import Entry
from buildkit.model import CACHEABLE_KINDS, Build, Step, StepKind, StepState
from buildkit.steps import parse_name
from buildkit.times import NANOSECONDS

MARGIN = timedelta(seconds=1)
"""An entry is made while its step runs; clocks are read a moment before and after."""

_EXEC = re.compile(r"mount / from exec (.*)", re.DOTALL)
_SHELL = re.compile(r"/bin/(?:ba|a)?sh (?:-\S+ )+")
_FLAG = re.compile(r"--(?:mount|network|security|device)(?:=| )\S+\s*")
_IMPORTED = re.compile(r"(?:imported|pulled from .*@?)\s*(sha256:[0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Recorded:
    """A step of a recorded build of a target."""

    target: str
    build: Build
    step: Step


def recorded_steps(builds: Iterable[tuple[str, Build]]) -> tuple[Recorded, ...]:
    """Return the cacheable steps of builds, which are given with their targets' names."""
    return tuple(
        Recorded(target, build, step)
        for target, build in builds
        for step in build.steps
        if step.kind in CACHEABLE_KINDS
    )


def alike(entries: Iterable[Entry], steps: Iterable[Recorded]) -> dict[str, tuple[Recorded, ...]]:
    """Return, by id of the entry, the steps with its layer or its words, whoever made it.

    What a target's step looks like another's can have been made by either.
    """
    by_words, by_layer = _indexed(steps)
    found: dict[str, tuple[Recorded, ...]] = {}
    for entry in entries:
        layer = imported_layer(entry)
        same = by_layer.get(layer, ()) if layer else by_words.get(words_of(entry.description), ())
        if same:
            found[entry.id] = tuple(same)
    return found


def made_by(entries: Iterable[Entry], steps: Iterable[Recorded]) -> dict[str, tuple[Recorded, ...]]:
    """Return, by id of the entry, the steps that made it: alike, and running when it was made.

    An entry that was imported is told by its layer alone.
    """
    by_id = {entry.id: entry for entry in entries}
    found = {
        identifier: tuple(
            item
            for item in same
            if imported_layer(entry) or ran_at(item.step, entry.created_at, MARGIN)
        )
        for identifier, same in alike(by_id.values(), steps).items()
        for entry in (by_id[identifier],)
    }
    return {identifier: same for identifier, same in found.items() if same}


def is_of(description: str, step: Step) -> bool:
    """Tell whether what a builder calls an entry is what a step's result is called."""
    if layer := _imported_layer(description):
        return layer == step.layer_digest
    words = words_of(description)
    return bool(words) and words == words_of_step(step.kind, step.name, step.instruction)


def imported_layer(entry: Entry) -> str:
    """Return the digest of the layer that an entry was imported as; empty for what was built."""
    return _imported_layer(entry.description)


def _imported_layer(description: str) -> str:
    found = _IMPORTED.match(description)
    return found[1] if found else ""


def ran_at(step: Step, moment: datetime, margin: timedelta = timedelta()) -> bool:
    """Tell whether a step itself was at work at a moment."""
    if step.state not in {StepState.EXECUTED, StepState.SHARED}:
        return False
    if step.started_ns is None or step.completed_ns is None:
        return False
    first, last = step.started_ns / NANOSECONDS, step.completed_ns / NANOSECONDS
    slack = margin.total_seconds()
    return first - slack <= moment.timestamp() <= last + slack


def _indexed(
    steps: Iterable[Recorded],
) -> tuple[Mapping[str, list[Recorded]], Mapping[str, list[Recorded]]]:
    by_words: defaultdict[str, list[Recorded]] = defaultdict(list)
    by_layer: defaultdict[str, list[Recorded]] = defaultdict(list)
    for item in steps:
        step = item.step
        by_words[words_of_step(step.kind, step.name, step.instruction)].append(item)
        if item.step.layer_digest:
            by_layer[item.step.layer_digest].append(item)
    return by_words, by_layer


def words_of(description: str) -> str:
    """Return what an entry's description says of its instruction; empty if nothing."""
    if command := _EXEC.fullmatch(description):
        return "RUN " + _one_line(_SHELL.sub("", command[1], count=1))
    name = parse_name(description)
    return name.instruction if name.kind in CACHEABLE_KINDS else ""


def words_of_step(kind: StepKind, name: str, instruction: str) -> str:
    """Return what a builder's description says of the result of such a step."""
    if kind is not StepKind.RUN:
        return instruction
    text = _FLAG.sub("", name.partition("] RUN ")[2] or instruction.removeprefix("RUN "))
    return "RUN " + _one_line(_unlisted(text.strip()))


def _unlisted(text: str) -> str:
    """Return a command that is written as a JSON list the way BuildKit joins its words."""
    try:
        words = json.loads(text) if text.startswith("[") else None
    except ValueError:
        words = None
    return " ".join(map(str, words)) if isinstance(words, list) else text


def _one_line(text: str) -> str:
    return " ".join(text.split())
