"""``buildinsights cache expire``: retention and size limit of the caches in a registry."""

import json
from datetime import UTC, datetime, timedelta

import click

from buildkit.caching.expiring import Expired, held_in
from buildkit.caching.expiring import expire as carried_out
from buildkit.caching.pruning import HISTORY
from buildkit.caching.retention import LIMIT_BYTES, RetentionPlan, plan
from buildkit.registry import Reference, RegistryError
from cli import journal, summary
from cli.cache.parameters import Size
from cli.cache.registries import last_used, named, registry_of
from cli.errors import UsageError


@click.command()
@click.argument("references", nargs=-1, metavar="[REF]…")
@click.option("--keep-days", type=click.IntRange(0, 3650), default=30, show_default=True)
@click.option("--max-size", type=Size(), default=LIMIT_BYTES, help="Default: 10GB.")
@click.option(
    "--protect", "patterns", multiple=True, metavar="PATTERN", help="As a shell's: *:main."
)
@click.option("--dry-run", is_flag=True, help="Only print what would go.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def expire(
    references: tuple[str, ...],
    keep_days: int,
    max_size: int,
    patterns: tuple[str, ...],
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Remove caches from a registry: those not used for long, and the oldest over a size.

    Looked at are all tags of the repositories of REF (default: those of the Bake file's targets).
    Last use is that of the records on this machine, else the making of the newest layer. Images
    and what matches --protect stay, and so do all blobs that they need.
    """
    for host, repositories in _by_registry(named(references)).items():
        try:
            made = _planned(host, repositories, timedelta(days=keep_days), max_size, patterns)
            done = [] if dry_run else list(carried_out(registry_of(host), made.removals))
        except RegistryError as error:
            raise UsageError(str(error)) from error
        outcome = _outcome(made, done, dry_run=dry_run)
        journal.note("expire", host, dry_run, outcome, _as_json(made, done))
        if as_json:
            click.echo(json.dumps({"registry": host} | _as_json(made, done), indent=2))
        else:
            click.echo("\n".join([*_lines(made, done), outcome]))


def _by_registry(references: list[Reference]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for reference in references:
        repositories = found.setdefault(reference.host, [])
        if reference.repository not in repositories:
            repositories.append(reference.repository)
    return found


def _planned(
    host: str,
    repositories: list[str],
    keep: timedelta,
    limit: int,
    patterns: tuple[str, ...],
) -> RetentionPlan:
    registry, used, now = registry_of(host), last_used(max(keep, HISTORY)), datetime.now(UTC)
    held = [
        item
        for repository in repositories
        for item in held_in(registry, repository, used, patterns, now)
    ]
    return plan(held, now=now, keep=keep, limit_bytes=limit)


def _lines(made: RetentionPlan, done: list[Expired]) -> list[str]:
    table = [("reference", "last used", "why")]
    table += [
        (item.reference, f"{item.last_used:%Y-%m-%d %H:%M}", removal.why.value)
        for removal in made.removals
        for item in removal.held
    ]
    lines = summary.aligned(table).splitlines() if made.removals else []
    lines += [f"kept: {item.message}" for item in done if not item.is_done]
    if made.over_bytes:
        lines.append(f"{summary.size(made.over_bytes)} over the limit are protected.")
    return lines


def _outcome(made: RetentionPlan, done: list[Expired], *, dry_run: bool) -> str:
    freed = summary.size(made.freed_bytes)
    if dry_run:
        return f"Dry run: {len(made.removals)} of them would go, and free up to {freed}."
    gone = sum(item.is_done for item in done)
    removed = f"Removed {gone} of {len(made.removals)}"
    return f"{removed}; the registry's garbage collection frees up to {freed}."


def _as_json(made: RetentionPlan, done: list[Expired]) -> dict[str, object]:
    return {
        "plan": [
            {
                "references": [item.reference for item in removal.held],
                "digest": removal.digest,
                "last_used_at": removal.last_used.isoformat(),
                "why": removal.why.value,
            }
            for removal in made.removals
        ],
        "held_bytes": made.held_bytes,
        "freed_bytes": made.freed_bytes,
        "over_bytes": made.over_bytes,
        "removed": [item.removal.digest for item in done if item.is_done],
        "kept": [item.message for item in done if not item.is_done],
    }
