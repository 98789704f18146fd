"""What is said when a run of Bake has ended, and what is done with its record."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from buildkit.bake import Plan
from buildkit.errors import ParseError
from buildkit.model import Build
from cli import sending, summary
from cli.caching import explain_cache
from cli.engine import error_of
from cli.errors import UsageError
from cli.explaining import explain_failure
from cli.planning import explained
from cli.reading import builds_of
from cli.records import Record
from cli.running import Done
from cli.settings import is_ci, server
from cli.sizes import sizes_of

NOTHING_RAN = frozenset({"usage_error", "engine_missing"})


def tell(
    runs: Sequence[Done],
    files: Sequence[str],
    json_file: Path | None,
    *,
    verbose_cache: bool,
    wait: bool,
) -> None:
    """Print why something failed and the summary of all runs; then collect and send."""
    rows: list[summary.Row] = []
    for done in runs:
        builds = () if done.ended.outcome in NOTHING_RAN else builds_of(done.record)
        if done.ended.outcome == "failed":
            builds = _explain(done, builds)
        elif done.ended.outcome in NOTHING_RAN:
            error = error_of(done.ended.text)
            words = explained(error, files) if isinstance(error, UsageError) else error
            click.echo(f"Error: {words.message}", err=True)
        if verbose_cache:
            click.echo("".join(map(explain_cache, builds)), err=True, nl=False)
        rows += summary.rows_of(builds, sizes_of(done.record, done.sizes))
    if rows:
        click.echo(summary.as_text(rows), err=True, nl=False)
    if json_file:
        summary.write_json(rows, json_file)
    if page := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(page).open("a") as file:
            file.write(summary.as_markdown(rows))
    _finish([done.record for done in runs if done.ended.outcome not in NOTHING_RAN], wait=wait)


def _explain(done: Done, builds: tuple[Build, ...]) -> tuple[Build, ...]:
    """Print what failed, in its Dockerfile; return the builds, with names that the plan knows."""
    plan = _plan(done.record)
    if plan:
        builds = builds_of(done.record)
    texts = [text for build in builds if (text := explain_failure(build, plan, Path.cwd()))]
    # An error that no target's stream has: Bake's own words are all there is.
    for text in texts or [f"Error: {error_of(done.ended.text).message}\n"]:
        click.echo(text, err=True)
    return builds


def _plan(record: Record) -> Plan | None:
    try:
        plan = sending.plan_again(record.run())
        sending.remember_plan(record, plan)
    except (click.ClickException, ParseError, OSError):
        return None  # the failure is told without its Dockerfile
    return plan


def _finish(runs: Sequence[Record], *, wait: bool) -> None:
    """Collect and send; in a terminal that is left to a process of its own."""
    if not (wait or is_ci()):
        for record in runs:
            sending.collect_later(record)
        return
    for error in _collected(runs):
        click.echo(f"The record was not sent, and is kept: {error}", err=True)
        return
    if server() and runs:
        click.echo("The record was sent.", err=True)


def _collected(runs: Sequence[Record]) -> Iterator[str]:
    """Collect and send now; yield what went wrong."""
    for record in runs:
        try:
            error = sending.finish(record)
        except (click.ClickException, OSError, ValueError) as problem:
            error = f"not collected: {problem}"
        if error:
            yield error
