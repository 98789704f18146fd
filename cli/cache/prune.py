"""``buildinsights cache prune``: remove what is not needed, and know what that will cost."""

import json
from datetime import UTC, datetime, timedelta

import click

from buildkit.caching.matching import recorded_steps
from buildkit.caching.pruning import PrunePlan, plan, worth_of
from buildkit.caching.removing import Removed
from buildkit.caching.usage import Entry
from cli import journal, removals, summary
from cli.cache.entries import remove, usage
from cli.cache.parameters import Duration, Size
from cli.cache.recorded import recorded_builds
from cli.errors import UsageError


@click.command()
@click.option("--older-than", type=Duration(), help="What was not used for that long: 30d, 12h.")
@click.option("--max-used-space", "limit", type=Size(), help="Keep no more than that: 10GB.")
@click.option("--dry-run", is_flag=True, help="Only print what would go.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def prune(older_than: timedelta | None, limit: int | None, *, dry_run: bool, as_json: bool) -> None:
    """Remove entries of the builder's cache by age or size, and tell what next week's builds pay.

    Exactly the entries of the plan are removed; those that have come into use meanwhile stay.
    """
    if older_than is None and limit is None:
        raise UsageError("Say what may go: --older-than 30d, --max-used-space 10GB, or both.")
    made = planned(older_than, limit)
    done = Removed((), ()) if dry_run else remove([item.entry for item in made.going])
    details = _details(made) | removals.noted(done.gone)
    journal.note("prune", "builder", dry_run, _outcome(made, done, dry_run=dry_run), details)
    if as_json:
        click.echo(json.dumps(_as_json(made, done, dry_run=dry_run), indent=2))
        return
    for line in _lines(made):
        click.echo(line)
    click.echo(_outcome(made, done, dry_run=dry_run))
    for entry in done.kept:
        click.echo(f"kept, as it is in use by now: {entry.id}  {entry.description}")


def planned(older_than: timedelta | None, limit: int | None) -> PrunePlan:
    """Return the plan for the builder as it is, with what the local records know of its entries."""
    entries, now = usage().entries, datetime.now(UTC)
    steps = recorded_steps((target, build) for target, build, _ in recorded_builds())
    worth = worth_of(entries, steps, now)
    return plan(entries, now=now, older_than=older_than, max_used_bytes=limit, worth=worth)


def _lines(made: PrunePlan) -> list[str]:
    table = [("id", "size", "last used", "description", "why")]
    table += [
        (
            item.entry.id,
            summary.size(item.entry.bytes) + (" (shared)" if item.entry.shared else ""),
            f"{item.entry.touched_at:%Y-%m-%d %H:%M}",
            " ".join(item.entry.description.split())[:80],
            item.reason,
        )
        for item in made.going
    ]
    lines = summary.aligned(table).splitlines() if made.going else []
    lines.append(
        f"{len(made.going)} entries, {summary.size(made.freed_bytes)} freed; next week's builds "
        f"would spend {summary.seconds(made.cost_seconds)} to make again what they used in the "
        "last four weeks."
    )
    if made.unknown:
        lines.append(f"Of {made.unknown} of them the local records know no worth: not counted.")
    if made.over_bytes:
        lines.append(f"{summary.size(made.over_bytes)} over the limit cannot go: in use or shared.")
    return lines


def _outcome(made: PrunePlan, done: Removed, *, dry_run: bool) -> str:
    if dry_run:
        return f"Dry run: nothing was removed of {len(made.going)} entries."
    return f"Removed {len(done.gone)} entries, {summary.size(done.freed_bytes)}."


def _details(made: PrunePlan) -> dict[str, object]:
    return {
        "entries": len(made.going),
        "freed_bytes": made.freed_bytes,
        "cost_seconds_next_week": made.cost_seconds,
        "unknown_worth": made.unknown,
    }


def _as_json(made: PrunePlan, done: Removed, *, dry_run: bool) -> dict[str, object]:
    return {
        "dry_run": dry_run,
        "plan": [as_json(item.entry) | {"reason": item.reason} for item in made.going],
        "freed_bytes": made.freed_bytes,
        "kept_bytes": made.kept_bytes,
        "over_bytes": made.over_bytes,
        "cost_seconds_next_week": made.cost_seconds,
        "unknown_worth": made.unknown,
        "removed": [entry.id for entry in done.gone],
        "in_use_meanwhile": [entry.id for entry in done.kept],
    }


def as_json(entry: Entry) -> dict[str, object]:
    """Return what JSON output says of an entry."""
    return {
        "id": entry.id,
        "description": entry.description,
        "type": entry.type,
        "bytes": entry.bytes,
        "shared": entry.shared,
        "last_used_at": entry.touched_at.isoformat(),
    }
