"""``buildinsights inspect``: checks of an image's configuration and files."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import click

from buildkit.errors import ParseError
from buildkit.imagefiles import ImageFiles
from buildkit.limits import Limits
from buildkit.model import Material
from buildkit.provenance import read_provenance
from cli import outbox
from cli.errors import UsageError
from cli.layers import image_files, image_options, source_of
from cli.settings import server
from cli.terminal import told
from supplychain.imagechecks.checking import Checked, check_image
from supplychain.imagechecks.model import (
    DEFAULT_LABELS,
    Check,
    Evidence,
    Status,
    Subject,
)
from supplychain.imagechecks.report import About, as_report
from supplychain.reports.model import Severity

CHECK_FAILED = 1
SHOWN = 5
_LEVELS = [level.value for level in (Severity.HIGH, Severity.MEDIUM, Severity.LOW)]
_PRODUCTION = frozenset({"prod", "production"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which image to look at, and what is known of it; ``source`` may be left to be found out.

    ``shown`` is its name if it is asked for by another, such as its digest.
    """

    image: str
    platform: str = ""
    source: str | None = None
    service: str = ""
    target: str = ""
    variant: str = ""
    environment: str = ""
    labels: tuple[str, ...] = DEFAULT_LABELS
    provenance: Path | None = None
    production: bool = False
    shown: str = ""

    @property
    def is_production(self) -> bool:
        """Whether it is said to be, or its variant or environment says so."""
        return self.production or bool(_PRODUCTION & {self.variant, self.environment})


@click.command
@image_options
@click.option("--production", is_flag=True, help="No package manager and no shell, either.")
@click.option("--label", "labels", multiple=True, help="A label it must have (default: OCI's).")
@click.option(
    "--provenance",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Its provenance, if it is not beside the image, for whether bases are pinned.",
)
@click.option(
    "--fail-on",
    type=click.Choice(_LEVELS, case_sensitive=False),
    help="Exit with 1 if a check of this severity or worse fails.",
)
@click.option("--service", default="", help="What the image is of; sent along.")
@click.option("--target", default="", help="Sent along.")
@click.option("--variant", default="", help="Sent along; prod means --production.")
@click.option("--environment", default="", help="Where it runs; sent along.")
@click.option("--upload/--no-upload", default=None, help="Default: if a server is set.")
def inspect(
    image: str,
    labels: tuple[str, ...],
    fail_on: str | None,
    *,
    as_json: bool,
    upload: bool | None,
    **known: Any,
) -> None:
    """Check the configuration and the files of IMAGE: user, modes, secrets, labels and more.

    IMAGE is a name in the local engine or in a registry, or the path of an OCI image layout or of
    an archive of `docker save`. No value of a secret is shown, only where it is.
    """
    if upload and server() is None:
        raise UsageError("Set BUILDINSIGHTS_URL and BUILDINSIGHTS_TOKEN to say where to send.")
    report, checked = inspect_image(Wanted(image, labels=labels or DEFAULT_LABELS, **known))
    click.echo(json.dumps(report, indent=2) if as_json else told(lines(checked)))
    if upload is not False:
        outbox.deliver("inspections/", report, "The result")
    raise SystemExit(CHECK_FAILED if _is_failure(checked.checks, fail_on) else 0)


def inspect_image(wanted: Wanted) -> tuple[dict[str, Any], Checked]:
    """Look at an image; return the report, and what is in it.

    Raises:
        UsageError: there is no such image, or its configuration cannot be read.
    """
    from buildkit.registry import RegistryError

    source = wanted.source or source_of(wanted.image)
    try:
        with image_files(wanted.image, wanted.platform, source) as files:
            checked = check_image(files, _subject(wanted, files, source))
    except (ParseError, RegistryError) as error:
        raise UsageError(str(error)) from error
    about = About(
        image=wanted.shown or wanted.image,
        digests=files.digests,
        platform=files.platform,
        source=source,
        inspected_at=datetime.now(UTC).isoformat(),
        tool_version=_version(),
        is_production=wanted.is_production,
        service=wanted.service,
        target=wanted.target,
        variant=wanted.variant,
        environment=wanted.environment,
    )
    return as_report(about, checked), checked


def _version() -> str:
    """Return this command's version; none of a checkout that was not installed."""
    try:
        return version("buildinsights")
    except PackageNotFoundError:
        return ""


def _subject(wanted: Wanted, files: ImageFiles, source: str) -> Subject:
    return Subject(
        files.config,
        files.manifest,
        reference="" if source == "path" else wanted.shown or wanted.image,
        is_production=wanted.is_production,
        labels=wanted.labels,
        materials=_materials(wanted.provenance, files),
    )


def _materials(path: Path | None, files: ImageFiles) -> tuple[Material, ...] | None:
    """Return what a build took, by the given provenance or else by that beside the image."""
    data = files.provenance() if path is None else path.read_bytes()
    if data is None:
        return None
    return read_provenance(data, path.name if path else "provenance", Limits()).materials


def _is_failure(checks: Sequence[Check], fail_on: str | None) -> bool:
    if fail_on is None:
        return False
    failed = [item for item in checks if item.status is Status.FAIL]
    return any(item.severity.rank >= Severity(fail_on.upper()).rank for item in failed)


def lines(checked: Checked) -> Iterator[str]:
    """Yield what came of the checks, for people."""
    checks = checked.checks
    if checked.problem:
        yield f"Not all of the image was read: {checked.problem}"
    for item in checks:
        if item.status is Status.NOT_APPLICABLE:
            continue
        bad = item.severity.value if item.status is Status.FAIL else ""
        yield f"{item.status.value:<8}{bad:<7} {item.id}: {item.message}"
        for evidence in item.evidence[:SHOWN]:
            yield from _places(evidence, item.severity)
        if item.count > SHOWN and item.evidence:
            yield f"                  and {item.count - SHOWN} more"
        if item.status is Status.FAIL:
            yield f"                fix: {item.remediation}"
    counts = {status: sum(item.status is status for item in checks) for status in Status}
    yield ", ".join(f"{count} {status.value.replace('-', ' ')}" for status, count in counts.items())


def _places(evidence: Evidence, severity: Severity) -> Iterator[str]:
    bad = "" if evidence.severity is severity else f" [{evidence.severity.value}]"
    detail = f"  {evidence.detail}" if evidence.detail else ""
    yield f"                  {evidence.place}{detail}{bad}"
    layer = evidence.layer.removeprefix("sha256:")[:12]
    if layer or evidence.instruction:
        where = f"layer {layer}: " if layer else ""
        yield f"                    {where}{evidence.instruction or 'without a history'}"
