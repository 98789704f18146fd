"""``buildinsights upload`` and the process that collects after a build."""

from pathlib import Path

import click

from cli import sending
from cli.errors import UsageError
from cli.records import Record
from cli.settings import server


@click.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--service", default="", help="What is built; needed unless the record names it.")
def upload(files: tuple[Path, ...], service: str) -> None:
    """Send FILES of one build (.dockerbuild, rawjson, metadata …); without any, what waits."""
    to = server()
    if to is None:
        raise UsageError("Set BUILDINSIGHTS_URL and BUILDINSIGHTS_TOKEN to say where to send.")
    if not files:
        click.echo(f"{sending.send_spooled(to)} records sent.")
        return
    click.echo(sending.send_files(files, service, to))


@click.command(hidden=True)
@click.argument("path", type=click.Path(exists=True, file_okay=False, path_type=Path))
def collect(path: Path) -> None:
    """Collect the records of a run and send what waits."""
    if error := sending.finish(Record(path)):
        click.echo(error, err=True)
