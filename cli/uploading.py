"""``buildinsights upload`` and the process that collects after a build."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import click

from cli import outbox, scans, sending
from cli.errors import UsageError
from cli.records import Record
from cli.settings import Server, server

Post = Callable[[bytes, Mapping[str, str], Server], str]


@click.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--service", default="", help="What is built; needed unless the record names it.")
@click.option("--environment", default="", help="Sent along.")
@click.option("--variant", default="", help="Sent along.")
@click.option("--image", default="", help="What a report or SBOM is of, if it does not say it.")
@click.option("--digest", default="", help="The sha256:… of that image.")
def upload(
    files: tuple[Path, ...], service: str, environment: str, variant: str, image: str, digest: str
) -> None:
    """Send FILES of one build (.dockerbuild, rawjson, metadata …); without any, what waits.

    Reports of scanners (Trivy's JSON, SARIF, CycloneDX with vulnerabilities) and SBOMs (SPDX,
    CycloneDX, and attestations of them) may be among them.
    """
    to = server()
    if to is None:
        raise UsageError("Set BUILDINSIGHTS_URL and BUILDINSIGHTS_TOKEN to say where to send.")
    if not files:
        click.echo(f"{sending.send_spooled(to)} records sent.")
        click.echo(f"{scans.send_waiting(to)} reports of scans sent.")
        click.echo(f"{outbox.send_waiting(to)} other results sent.")
        return
    named = {"service": service, "environment": environment, "variant": variant}
    fields = {name: text for name, text in named.items() if text}
    kinds = {path: _kind(path.read_bytes()) for path in files}
    parts = [path for path in files if kinds[path] == "part"]
    if parts:
        click.echo(sending.send_files(parts, fields, to))
    query = {**fields, "image": image, "digest": digest}
    for kind, post in (("report", scans.post), ("SBOM", _post_sbom)):
        for line in _sent(kind, [path for path in files if kinds[path] == kind], post, query, to):
            click.echo(line)


def _kind(data: bytes) -> str:
    """Tell what a file is; CycloneDX without vulnerabilities is an SBOM, with them a report."""
    from supplychain.sboms.reading import is_sbom  # every build ends in this module

    if is_sbom(data):
        return "SBOM"
    return "report" if scans.is_report(data) else "part"


def _post_sbom(data: bytes, query: Mapping[str, str], to: Server) -> str:
    from cli import sboms

    return sboms.post(data, query, to)


def _sent(
    kind: str, paths: Sequence[Path], post: Post, query: Mapping[str, str], to: Server
) -> Iterator[str]:
    for path in paths:
        if error := post(path.read_bytes(), query, to):
            raise UsageError(f"{path}: {error}")
        yield f"{kind} {path} sent."


@click.command(hidden=True)
@click.argument("path", type=click.Path(exists=True, file_okay=False, path_type=Path))
def collect(path: Path) -> None:
    """Collect the records of a run and send what waits."""
    if error := sending.finish(Record(path)):
        click.echo(error, err=True)
