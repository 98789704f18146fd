"""Commands that look and change nothing: graph, history, doctor."""

import itertools

import click

from buildkit.bake import CycleInPlanError, UnknownTargetError
from buildkit.drawing import FORMATS
from cli import records, summary
from cli.checking import check_all
from cli.errors import ENGINE_MISSING, UsageError
from cli.planning import plan_of
from cli.reading import builds_of


@click.command()
@click.argument("targets", nargs=-1)
@click.option(
    "-f", "--file", "files", multiple=True, help="Bake or compose file, as bake takes it."
)
@click.option("--format", "shape", type=click.Choice(sorted(FORMATS)), default="text")
def graph(targets: tuple[str, ...], files: tuple[str, ...], shape: str) -> None:
    """Show which target needs which, in the order they are built."""
    try:
        click.echo(FORMATS[shape](plan_of(files, targets)), nl=False)
    except (CycleInPlanError, UnknownTargetError) as error:
        raise UsageError(str(error)) from error


@click.command()
@click.option("-n", "--number", default=20, show_default=True, help="How many runs.")
def history(number: int) -> None:
    """Show the last runs on this machine."""
    for record in itertools.islice(records.all_records(), number):
        run = record.run()
        click.echo(f"{run.started_at[:19].replace('T', ' ')}  {run.outcome:<12}  {run.directory}")
        for row in summary.rows_of(builds_of(record)):
            click.echo("  " + "  ".join(summary.cells(row)))


@click.command()
def doctor() -> None:
    """Tell what is missing on this machine, and the command that fixes it."""
    findings = list(check_all())
    for finding in findings:
        click.echo(f"{'ok     ' if finding.ok else 'missing'}  {finding.name}: {finding.says}")
        if not finding.ok and finding.fix:
            click.echo(f"         {finding.fix}")
    if any(not finding.ok and finding.needed for finding in findings):
        raise SystemExit(ENGINE_MISSING)
