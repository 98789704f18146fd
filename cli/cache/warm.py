"""``buildinsights cache warm``: fill caches before anybody waits for them."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from buildkit.bake import CycleInPlanError, Plan, UnknownTargetError
from buildkit.caching.warming import Loss, candidates, loss_of
from buildkit.model import Build
from cli import journal, summary, telling
from cli.building import Asked, run_batches
from cli.cache.recorded import recorded_builds
from cli.errors import UsageError
from cli.planning import plan_of

TRIGGER = "warm"
NO_IMAGES = ("*.output=type=cacheonly", "*.tags=")
"""Only caches are made: those of the builder, and those that ``cache-to`` names."""


@click.command()
@click.argument("targets", nargs=-1)
@click.option("-f", "--file", "files", multiple=True, help="Bake or compose file.")
@click.option("--set", "overrides", multiple=True, help="Override, as bake takes it.")
@click.option("--worth", is_flag=True, help="Only what local records say is worth it, best first.")
@click.option("--limit", type=click.IntRange(min=1), help="With --worth: so many targets at most.")
@click.option("--dry-run", is_flag=True, help="Only print what would be built, and why.")
@click.option("--plain", is_flag=True, help="Lines instead of a tree, also in a terminal.")
@click.option("--wait", is_flag=True, help="Wait until records are collected and sent (CI does).")
def warm(
    targets: tuple[str, ...],
    files: tuple[str, ...],
    overrides: tuple[str, ...],
    limit: int | None,
    *,
    worth: bool,
    dry_run: bool,
    plain: bool,
    wait: bool,
) -> None:
    """Build TARGETS (default: the default group) for their caches alone, in the order of needs."""
    if limit and not worth:
        raise UsageError("--limit goes with --worth.")
    try:
        plan = plan_of(files, targets, overrides)
        chosen = list(plan.expand(targets or ["default"]))
        waves = in_waves(plan, _worth_it(chosen, limit) if worth else chosen)
    except (CycleInPlanError, UnknownTargetError) as error:
        raise UsageError(str(error)) from error
    for number, wave in enumerate(waves, 1):
        click.echo(f"{number}. {' '.join(wave)}")
    names = [name for wave in waves for name in wave]
    if dry_run or not names:
        _note(names, "planned" if names else "nothing to warm", dry_run=True)
        return
    runs = run_batches(
        Asked(files, (*overrides, *NO_IMAGES), (), {"trigger": TRIGGER}, plain), waves
    )
    telling.tell(runs, files, None, verbose_cache=False, wait=wait)
    _note(names, runs[-1].ended.outcome, dry_run=False)
    raise SystemExit(runs[-1].ended.exit_code)


def in_waves(plan: Plan, chosen: Iterable[str]) -> list[tuple[str, ...]]:
    """Return the chosen targets and what they need, in waves: each after what it needs.

    Raises:
        CycleInPlanError: targets need each other.
    """
    wanted, waiting = set[str](), list(chosen)
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            waiting += plan.targets[name].needs
    waves = (tuple(name for name in wave if name in wanted) for wave in plan.waves())
    return [wave for wave in waves if wave]


def _worth_it(chosen: Sequence[str], limit: int | None) -> list[str]:
    """Print which targets are worth warming, and return them."""
    builds = [
        (target, build, run.fields.get("trigger") == TRIGGER)
        for target, build, run in recorded_builds(str(Path.cwd()))
        if target in chosen
    ]
    ranked = candidates(_losses(builds))[:limit]
    for item in ranked:
        click.echo(f"{item.target}: {summary.seconds(item.net_seconds)} ({item})")
    if not ranked:
        click.echo("Local records of the last 28 days name no target that is worth warming.")
    return [item.target for item in ranked]


def _losses(builds: Sequence[tuple[str, Build, bool]]) -> list[Loss]:
    """Return the loss of each build that was no warming; ``builds`` are newest first."""
    found = []
    for number, (target, build, is_warming) in enumerate(builds):
        earlier = (
            other
            for name, other, _ in builds[number + 1 :]
            if name == target and other.platforms == build.platforms
        )
        if not is_warming:
            found.append(loss_of(target, build, next(earlier, None)))
    return found


def _note(names: Sequence[str], outcome: str, *, dry_run: bool) -> None:
    journal.note("warm", " ".join(names), dry_run, outcome, {"targets": list(names)})
