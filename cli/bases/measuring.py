"""What is seen of an image that was just built: its layers, checks, and what trivy finds."""

import subprocess
from collections.abc import Sequence

import click

from buildkit.errors import ParseError
from buildkit.imagefiles import ImageFiles
from buildkit.values import as_dicts, as_size
from cli import trivy
from cli.engine import docker
from cli.errors import TrivyFailedError, TrivyMissingError, UsageError
from cli.layers import image_files
from cli.scanning import Image, deliver, scan_image
from supplychain.bases.judging import Found, Subject
from supplychain.imagechecks.checking import check_image
from supplychain.imagechecks.model import Status
from supplychain.imagechecks.model import Subject as Checked
from supplychain.reports.model import Severity


def subject_of(name: str, service: str, *, scan: bool) -> Subject:
    """Return what is seen of an image in the engine.

    Raises:
        UsageError: it cannot be read.
        CanceledError: Ctrl-C.
    """
    with image_files(name, "", "engine") as files:
        size, checks = _size(files), _failed(files)
    findings = _scanned(name, service) if scan else None
    return Subject(size, len(files.layers), findings, checks)


def can_scan() -> bool:
    """Tell whether there is a trivy; say so if there is none."""
    try:
        trivy.program()
    except TrivyMissingError as error:
        click.echo(f"Vulnerabilities are not compared: {error.message}", err=True)
        return False
    return True


def forget(names: Sequence[str]) -> None:
    """Take images out of the engine that only this command has named."""
    for name in names:
        command = [docker(), "image", "rm", "--", name]
        subprocess.run(command, capture_output=True, check=False)


def _size(files: ImageFiles) -> int | None:
    """Return Σ sizes of the layers as they are stored, if the manifest is there to tell them."""
    sizes = [as_size(layer.get("size")) for layer in as_dicts(files.manifest.get("layers"))]
    known = [size for size in sizes if size is not None]
    return sum(known) if sizes and len(known) == len(sizes) else None


def _failed(files: ImageFiles) -> dict[str, Severity]:
    try:
        checks = check_image(files, Checked(files.config, files.manifest))
    except ParseError as error:
        raise UsageError(str(error)) from error
    return {item.id: item.severity for item in checks.checks if item.status is Status.FAIL}


def _scanned(name: str, service: str) -> frozenset[Found] | None:
    """Return vulnerabilities by package; ``None`` if trivy failed."""
    try:
        record, report = scan_image(Image(name, service=service), trivy.Options())
    except TrivyFailedError as error:
        click.echo(f"Vulnerabilities are not compared: {error.message}", err=True)
        return None
    deliver(record)
    return frozenset(
        Found(item.id, item.package.name, item.severity) for item in report.vulnerabilities
    )
