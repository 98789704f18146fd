"""``buildinsights scan``: trivy looks for what is wrong with an image; we keep, tell and send."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from buildkit.errors import ParseError
from buildkit.registry import InvalidReferenceError, Reference
from cli import scans, trivy
from cli.errors import FINDINGS, CanceledError, TrivyFailedError, UsageError
from cli.findings import Finding, as_text, fails, findings_of, severities
from cli.posting import is_refused
from cli.settings import server
from cli.sizes import size_in_engine
from supplychain.reports.model import Report
from supplychain.reports.reading import read_report


@dataclass(frozen=True, slots=True)
class Image:
    """An image to scan: its name for people and server, and what else the server is told of it.

    ``pinned`` is what trivy is given if it is not the name.
    """

    name: str
    digest: str = ""
    service: str = ""
    environment: str = ""
    variant: str = ""
    pinned: str = ""

    def query(self, options: trivy.Options) -> dict[str, str]:
        """Return the parameters of the ingest API."""
        named = {
            "image": self.name,
            "digest": self.digest,
            "service": self.service,
            "environment": self.environment,
            "variant": self.variant,
            "scanners": options.scanners,
            "severities": ",".join(options.severities),
            "ignore_unfixed": "true" if options.ignore_unfixed else "",
            "pkg_types": options.package_types,
        }
        return {name: text for name, text in named.items() if text}


@click.command
@click.argument("image")
@click.argument("extra", nargs=-1, type=click.UNPROCESSED)
@click.option("--severity", callback=severities, help="Look for these only, e.g. HIGH,CRITICAL.")
@click.option("--ignore-unfixed", is_flag=True, help="Leave out what has no fixed version.")
@click.option("--fail-on", callback=severities, help="End with 4 for findings of these, or worse.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Report's copy.")
@click.option("--service", default="", help="What the image is of; sent along.")
@click.option("--environment", default="", help="Where it runs; sent along.")
@click.option("--variant", default="", help="Sent along.")
@click.option("--digest", default="", help="The image's sha256:…, where it is known better.")
@click.option(
    "--timeout", type=click.IntRange(min=1), default=trivy.TIMEOUT_SECONDS, show_default=True
)
def scan(
    image: str,
    extra: tuple[str, ...],
    severity: tuple[str, ...] | None,
    fail_on: tuple[str, ...] | None,
    output: Path | None,
    service: str,
    environment: str,
    variant: str,
    digest: str,
    timeout: int,
    *,
    ignore_unfixed: bool,
) -> None:
    """Scan IMAGE with trivy, keep the report and send it; what follows `--` goes to trivy.

    Exit codes: 4 findings as bad as --fail-on, 5 there is no trivy, 6 trivy failed.
    """
    trivy.program()
    trivy.check_extra(extra)
    _check(image, digest, output, severity, fail_on or ())
    options = trivy.Options(severity or (), ignore_unfixed, timeout, extra)
    wanted = Image(image, digest, service, environment, variant)
    record, report = scan_image(wanted, options)
    found = findings_of(report)
    click.echo(as_text(report, found), nl=False)
    click.echo(f"report: {record.report}", err=True)
    deliver(record)
    if output:
        _copy(record.report, output)
    raise SystemExit(verdict(image, found, fail_on or ()))


def _check(
    image: str,
    digest: str,
    output: Path | None,
    wanted: Sequence[str] | None,
    fail_on: Sequence[str],
) -> None:
    """Find out before minutes of scanning what cannot be."""
    if image.startswith("-"):
        raise UsageError(f"{image} is no name of an image.")
    if digest and not is_digest(digest):
        raise UsageError(f"{digest} is no digest: sha256: and 64 digits are one.")
    if output and not output.absolute().parent.is_dir():
        raise UsageError(f"There is no directory for {output}.")
    if wanted == ():
        raise UsageError("--severity none would look for nothing.")
    if wanted and fail_on:
        least = min(map(trivy.SEVERITIES.index, fail_on))
        unseen = [name for name in trivy.SEVERITIES[least:] if name not in wanted]
        if unseen:
            raise UsageError(f"--fail-on would fail on {', '.join(unseen)}: --severity has none.")


def _copy(report: Path, output: Path) -> None:
    try:
        shutil.copyfile(report, output)
    except OSError as error:
        raise UsageError(f"{output} was not written: {error.strerror}. It is {report}.") from error


def scan_image(image: Image, options: trivy.Options) -> tuple[scans.ScanRecord, Report]:
    """Scan an image; return the record that holds the report, and the report.

    Raises:
        TrivyFailedError: there is no report that can be read.
        CanceledError: Ctrl-C.
    """
    record = scans.begin(image.query(options))
    call = trivy.command(image.pinned or image.name, record.report, options)
    record.update(command=call)
    try:
        text = trivy.run(call, options.seconds)
        report = _read(record, text)
    except TrivyFailedError as error:
        record.end("failed", error.message)
        raise
    except CanceledError:
        record.end("canceled")
        raise
    known = replace(image, digest=image.digest or digest_of(image.name, report))
    # Now, as a scan may have fetched a newer database.
    record.update(query=known.query(options) | trivy.database())
    record.end("succeeded")
    return record, report


def _read(record: scans.ScanRecord, text: str) -> Report:
    try:
        data = record.report.read_bytes()
    except OSError as error:
        raise TrivyFailedError(f"trivy wrote no report. {trivy.says(text)}") from error
    try:
        # Nobody compares these fingerprints of secrets with others.
        return read_report(data, key=os.urandom(32))
    except ParseError as error:
        raise TrivyFailedError(f"trivy's report cannot be read: {error}") from error


def digest_of(image: str, report: Report) -> str:
    """Return the digest of what was scanned; empty if it is not known.

    The report knows what the registry or the engine said when trivy read the image from it; a tag
    may mean another image by now. Of an image that was never pushed only the engine knows it.
    """
    try:
        reference = Reference.parse(image)
    except InvalidReferenceError:
        return ""  # an image's id, or a name that only the engine takes
    if reference.digest:
        return reference.digest
    for listed in report.artifact.repo_digests:
        try:
            known = Reference.parse(listed)
        except InvalidReferenceError:
            continue
        if known.name == reference.name:
            return known.digest
    found = size_in_engine(image)
    return found[0] if found and is_digest(found[0]) else ""


def is_digest(text: str) -> bool:
    """Tell whether a text is a digest."""
    from buildkit.registry.reference import is_digest as is_one

    return is_one(text)


def deliver(record: scans.ScanRecord) -> None:
    """Send the report and what waits; what the server cannot take now waits for the next time."""
    to = server()
    if to is None:
        return
    error = scans.send(record, to)
    if not error or is_refused(error):
        scans.send_waiting(to)
    if error:
        click.echo(f"The report was not sent, and is kept: {error}", err=True)
    else:
        click.echo("The report was sent.", err=True)


def verdict(name: str, found: Sequence[Finding], fail_on: Sequence[str]) -> int:
    """Say what fails, if anything; return the exit code."""
    bad = fails(found, fail_on)
    if not bad:
        return 0
    least = min(fail_on, key=trivy.SEVERITIES.index)
    count = f"{len(bad)} findings are" if len(bad) > 1 else "1 finding is"
    click.echo(f"{name}: {count} {least} or worse.", err=True)
    return FINDINGS
