"""What a build does now: a tree per target in a terminal, a line per step in a pipe."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import click

from buildkit.steps import parse_name
from buildkit.times import parse_time, seconds_between

REFRESH_PER_SECOND = 8
RUNNING_SHOWN = 3


@dataclass(slots=True)
class TargetState:
    """Steps of one target, by vertex digest."""

    names: dict[str, str] = field(default_factory=dict)
    running: dict[str, float] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    cached: set[str] = field(default_factory=set)
    failed: str = ""


@dataclass(slots=True)
class BuildState:
    """The targets of a run, kept up to date by frames of rawjson."""

    targets: dict[str, TargetState] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)

    def take(self, line: bytes) -> list[str]:
        """Merge one frame; return a line of text for each step that ended with it."""
        try:
            frame = json.loads(line)
        except ValueError:
            return []
        vertices = frame.get("vertexes") or [] if isinstance(frame, dict) else []
        said = [self._take_vertex(vertex) for vertex in vertices if isinstance(vertex, dict)]
        return [words for words in said if words]

    def _take_vertex(self, vertex: Mapping[str, Any]) -> str:
        digest, name = str(vertex.get("digest")), str(vertex.get("name"))
        group = parse_name(name).group
        target = self.targets.setdefault(group, TargetState())
        known = digest in target.done
        target.names[digest] = name
        if vertex.get("completed"):
            target.running.pop(digest, None)
            target.done.add(digest)
        elif vertex.get("started") and not known:
            target.running.setdefault(digest, time.monotonic())
        if vertex.get("cached"):
            target.cached.add(digest)
        if vertex.get("error") and "canceled" not in str(vertex["error"]):
            target.failed = name
        return _line(vertex, name) if vertex.get("completed") and not known else ""


def _line(vertex: Mapping[str, Any], name: str) -> str:
    started, ended = parse_time(vertex.get("started")), parse_time(vertex.get("completed"))
    if vertex.get("error"):
        return f"{name}  FAILED: {vertex['error']}"
    if vertex.get("cached"):
        return f"{name}  cached"
    if started is None or ended is None:
        return f"{name}  done"
    return f"{name}  {seconds_between(started, ended):.1f} s"


def shows_tree(*, plain: bool) -> bool:
    """Tell whether there is a terminal for a tree, and nobody asked for lines."""
    return not plain and sys.stderr.isatty()


@contextmanager
def watching(
    expected: Mapping[str, float], *, plain: bool = False
) -> Iterator[Callable[[bytes], None]]:
    """Show progress while the block runs; ``expected`` are seconds by target, from history."""
    state = BuildState()
    if not shows_tree(plain=plain):
        yield partial(_print_lines, state)
        return
    from rich.console import Console
    from rich.live import Live

    with Live(
        console=Console(stderr=True),
        refresh_per_second=REFRESH_PER_SECOND,
        get_renderable=lambda: tree(state, expected),
        transient=True,
    ):
        yield partial(_update, state)


def _print_lines(state: BuildState, line: bytes) -> None:
    for words in state.take(line):
        click.echo(words, err=True)


def _update(state: BuildState, line: bytes) -> None:
    state.take(line)


def tree(state: BuildState, expected: Mapping[str, float]) -> Any:
    """Draw the targets with counts, the share of the expected time, and what runs."""
    from rich.text import Text
    from rich.tree import Tree

    elapsed = time.monotonic() - state.started
    root = Tree(f"building  {elapsed:.0f} s")
    for name, target in sorted(state.targets.items()):
        head = f"{name or 'build'}  {len(target.done)} of {len(target.names)} steps"
        head += f", {len(target.cached)} cached{_share(elapsed, expected.get(name))}"
        branch = root.add(Text(head, style="red" if target.failed else ""))
        for digest, since in list(target.running.items())[:RUNNING_SHOWN]:
            seconds = time.monotonic() - since
            branch.add(Text(f"{target.names[digest][:100]}  {seconds:.0f} s", style="dim"))
    return root


def _share(elapsed: float, expected: float | None) -> str:
    """Say how much of the usual time has gone by; nothing is known to be done before it is."""
    if not expected:
        return ""
    if elapsed >= expected:
        return f", longer than the usual {expected:.0f} s"
    return f", {100 * elapsed / expected:.0f} % of the usual {expected:.0f} s"
