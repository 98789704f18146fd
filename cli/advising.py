"""``buildinsights advise``: what to change of a Dockerfile, by what local builds have cost."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from buildkit import advising
from buildkit.advising import Advice, Applied, Effect, Kind
from buildkit.advising.effects import ENOUGH, effect
from buildkit.advising.wording import spoken
from cli.errors import UsageError
from cli.observing import History, histories

MAX_BYTES = 4 * 1024**2
"""Larger files of a context are not read."""

APART = 7
"""Lines between two diffs that are applied at once: three of context of each, and one."""


@dataclass(frozen=True, slots=True)
class _Told:
    """What is said of one target; ``is_current`` tells whether its Dockerfile is the newest's."""

    history: History
    advice: Sequence[Advice]
    applied: Sequence[Applied]
    is_current: bool


@click.command
@click.argument("targets", nargs=-1, metavar="[TARGET]…")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.option("--diff", "only_diff", is_flag=True, help="Print only diffs, for `git apply`.")
def advise(targets: tuple[str, ...], *, as_json: bool, only_diff: bool) -> None:
    """Tell what to change of the Dockerfiles of TARGETS, or of all that were built here.

    Each piece of advice is worth the seconds a week that recorded builds of the last 28 days have
    spent without need. Advice that was followed is held against them.
    """
    told = [_told(history) for history in _chosen(targets)]
    if as_json:
        click.echo(json.dumps([_as_json(item) for item in told], indent=2))
    elif only_diff:
        for item in told:
            _print_diffs(item)
    else:
        click.echo("\n".join(line for item in told for line in _lines(item)))


def _chosen(targets: tuple[str, ...]) -> list[History]:
    found = histories(Path.cwd())
    if not found:
        raise UsageError("There is no record of a build in this directory yet.")
    unknown = [target for target in targets if target not in found]
    if unknown:
        names = ", ".join(sorted(found))
        raise UsageError(f"There is no record of {', '.join(unknown)} here; there are: {names}.")
    return [found[name] for name in targets or sorted(found)]


def _told(history: History) -> _Told:
    read = _reader(history.context)
    given = advising.advise(history.observed, _dockerignore(history), read, history.place)
    return _Told(history, given, advising.applied(history.observed), _is_current(history))


def _reader(context: Path | None) -> Callable[[str], str | None]:
    """Return what reads text files of a context, and nothing outside of it."""

    def read(name: str) -> str | None:
        path = (context / name).resolve() if context else None
        if path is None or context is None or not path.is_relative_to(context.resolve()):
            return None
        return _text(path)

    return read


def _text(path: Path) -> str | None:
    try:
        data = path.read_bytes() if path.stat().st_size <= MAX_BYTES else None
    except OSError:
        return None
    try:
        return data.decode() if data is not None else None
    except UnicodeDecodeError:
        return None


def _dockerignore(history: History) -> str | None:
    """Return the text of the file that BuildKit takes; empty without one, ``None`` if unknown."""
    path = history.dockerignore
    if path is None:
        return None
    return _text(path) if path.exists() else ""


def _is_current(history: History) -> bool:
    path = history.dockerfile
    text = _text(path) if path else None
    sources = history.observed[-1].evidence.build.sources
    return any(text == source.text for source in sources)


def _lines(told: _Told) -> Iterator[str]:
    count = len(told.history.observed)
    builds = f"{count} {'build' if count == 1 else 'builds'}"
    if told.advice:
        yield f"{told.history.target}: advice from {builds}"
    else:
        yield f"{told.history.target}: nothing to advise from {builds}"
    if told.advice and not told.is_current:
        yield "  The Dockerfile has changed since it was built: build, and ask again."
    for advice in told.advice:
        yield from _advice_lines(advice)
    for item in told.applied:
        yield from _applied_lines(item)


def _advice_lines(advice: Advice) -> Iterator[str]:
    bound = "at most " if advice.is_upper_bound else ""
    yield ""
    yield f"  {bound}{spoken(advice.seconds_a_week)} a week  {advice.title} ({advice.kind})"
    for text in advice.why:
        yield f"    {text}"
    for text in advice.remarks:
        yield f"    Before applying: {text}"
    for line in advice.diff.splitlines():
        yield f"    {line}"


def _applied_lines(item: Applied) -> Iterator[str]:
    yield ""
    yield f"  followed since {item.since:%Y-%m-%d %H:%M}  {item.title} ({item.kind})"
    found = effect(item.before, item.after)
    yield f"    {_effect(found) if found else _missing(item)}"


def _effect(found: Effect) -> str:
    return (
        f"{found.before:.1f} s a build before, {found.after:.1f} s since: "
        f"{found.difference:+.1f} s (95 % interval {found.low:+.1f} to {found.high:+.1f})"
    )


def _missing(item: Applied) -> str:
    sides = (("before", item.before), ("since", item.after))
    had = ", ".join(f"{len(seconds)} {side}" for side, seconds in sides)
    return f"To tell its effect {ENOUGH} builds are needed on each side: there are {had}."


def _print_diffs(told: _Told) -> None:
    """Print the diffs that can be applied together, the best first; the others are named."""
    if told.advice and not told.is_current:
        click.echo(f"{told.history.target}: build first, its Dockerfile has changed.", err=True)
        return
    taken: list[tuple[int, int]] = []
    for advice in told.advice:
        first, last = advice.lines
        is_apart = all(last + APART < other or first - APART > end for other, end in taken)
        if advice.kind == Kind.IGNORE or is_apart:
            click.echo(advice.diff, nl=False)
        else:
            click.echo(f"{advice.title}: apply, build, and ask again for it.", err=True)
        if advice.kind != Kind.IGNORE:
            taken.append(advice.lines)


def _as_json(told: _Told) -> dict[str, object]:
    return {
        "target": told.history.target,
        "builds": len(told.history.observed),
        "is_current": told.is_current,
        "advice": [asdict(advice) for advice in told.advice],
        "applied": [
            asdict(item)
            | {"since": item.since.isoformat(), "effect": asdict(found) if found else None}
            for item, found in ((item, effect(item.before, item.after)) for item in told.applied)
        ],
    }
