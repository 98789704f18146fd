"""``buildinsights upload`` and the process that collects after a build."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click

from cli import outbox, scans, sending, verifications
from cli.errors import UsageError
from cli.records import Record
from cli.settings import Server, server


@click.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--service", default="", help="What is built; needed unless the record names it.")
@click.option("--environment", default="", help="Sent along.")
@click.option("--variant", default="", help="Sent along.")
@click.option("--image", default="", help="What a scanner's report is of, if it does not say it.")
@click.option("--digest", default="", help="The sha256:… of that image.")
def upload(
    files: tuple[Path, ...], service: str, environment: str, variant: str, image: str, digest: str
) -> None:
    """Send FILES of one build (.dockerbuild, rawjson, metadata …); without any, what waits.

    Reports of scanners (Trivy's JSON, SARIF, CycloneDX) may be among them.
    """
    to = server()
    if to is None:
        raise UsageError("Set BUILDINSIGHTS_URL and BUILDINSIGHTS_TOKEN to say where to send.")
    if not files:
        click.echo(f"{sending.send_spooled(to)} records sent.")
        click.echo(f"{scans.send_waiting(to)} reports of scans sent.")
        click.echo(f"{outbox.send_waiting(to)} other results sent.")
        click.echo(verifications.send_waiting(to) or "No verification waits any more.")
        return
    named = {"service": service, "environment": environment, "variant": variant}
    fields = {name: text for name, text in named.items() if text}
    reports = [path for path in files if scans.is_report(path.read_bytes())]
    parts = [path for path in files if path not in reports]
    if parts:
        click.echo(sending.send_files(parts, fields, to))
    for line in _sent(reports, {**fields, "image": image, "digest": digest}, to):
        click.echo(line)


def _sent(reports: Sequence[Path], query: Mapping[str, str], to: Server) -> Iterator[str]:
    for path in reports:
        if error := scans.post(path.read_bytes(), query, to):
            raise UsageError(f"{path}: {error}")
        yield f"report {path} sent."


@click.command(hidden=True)
@click.argument("path", type=click.Path(exists=True, file_okay=False, path_type=Path))
def collect(path: Path) -> None:
    """Collect the records of a run and send what waits."""
    if error := sending.finish(Record(path)):
        click.echo(error, err=True)
