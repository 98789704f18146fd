"""``buildinsights inspect``: checks of an image's configuration and files; no server is asked."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import click

from buildkit.errors import ParseError
from buildkit.limits import Limits
from buildkit.model import Material
from buildkit.provenance import read_provenance
from cli.errors import UsageError
from cli.layers import image_files
from supplychain.imagechecks.checking import check_image
from supplychain.imagechecks.model import (
    DEFAULT_LABELS,
    Check,
    Evidence,
    Status,
    Subject,
    rank,
)
from supplychain.reports.model import Severity

CHECK_FAILED = 1
SHOWN = 5
_LEVELS = [level.value for level in (Severity.HIGH, Severity.MEDIUM, Severity.LOW)]


@click.command
@click.argument("image")
@click.option("--platform", default="", help="Of several, e.g. linux/arm64 (default: the first).")
@click.option(
    "--from",
    "source",
    type=click.Choice(["engine", "registry"]),
    help="Where to read it (default: the engine if it has it, else the registry).",
)
@click.option("--format", "shape", type=click.Choice(["text", "json"]), default="text")
@click.option("--production", is_flag=True, help="No package manager and no shell, either.")
@click.option("--label", "labels", multiple=True, help="A label it must have (default: OCI's).")
@click.option(
    "--provenance",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Its provenance, for whether bases are pinned.",
)
@click.option(
    "--fail-on",
    type=click.Choice(_LEVELS, case_sensitive=False),
    help="Exit with 1 if a check of this severity or worse fails.",
)
def inspect(
    image: str,
    platform: str,
    source: str | None,
    shape: str,
    labels: tuple[str, ...],
    provenance: Path | None,
    fail_on: str | None,
    *,
    production: bool,
) -> None:
    """Check the configuration and the files of IMAGE: user, modes, secrets, labels and more.

    IMAGE is a name in the local engine or in a registry, or the path of an OCI image layout or of
    an archive of `docker save`. No value of a secret is shown, only where it is.
    """
    from buildkit.registry import RegistryError

    try:
        with image_files(image, platform, source) as files:
            subject = Subject(
                files.config,
                files.manifest,
                reference="" if source is None and Path(image).exists() else image,
                is_production=production,
                labels=labels or DEFAULT_LABELS,
                materials=_materials(provenance),
            )
            checks = check_image(files, subject)
    except (ParseError, RegistryError) as error:
        raise UsageError(str(error)) from error
    if shape == "json":
        found = {"image": image, "platform": files.platform, "layers": len(files.layers)}
        click.echo(json.dumps(found | {"checks": [asdict(item) for item in checks]}, indent=2))
    else:
        click.echo("\n".join(_lines(checks)))
    raise SystemExit(CHECK_FAILED if _is_failure(checks, fail_on) else 0)


def _materials(path: Path | None) -> tuple[Material, ...] | None:
    if path is None:
        return None
    return read_provenance(path.read_bytes(), path.name, Limits()).materials


def _is_failure(checks: Sequence[Check], fail_on: str | None) -> bool:
    if fail_on is None:
        return False
    failed = [item for item in checks if item.status is Status.FAIL]
    return any(rank(item.severity) >= rank(Severity(fail_on.upper())) for item in failed)


def _lines(checks: Sequence[Check]) -> Iterator[str]:
    for item in checks:
        bad = item.severity.value if item.status is Status.FAIL else ""
        yield f"{item.status.value:<8}{bad:<7} {item.id}: {item.message}"
        for evidence in item.evidence[:SHOWN]:
            yield from _places(evidence, item.severity)
        if item.count > SHOWN and item.evidence:
            yield f"                  and {item.count - SHOWN} more"
        if item.status is Status.FAIL:
            yield f"                fix: {item.remediation}"
    counts = {status: sum(item.status is status for item in checks) for status in Status}
    yield ", ".join(f"{count} {status.value}" for status, count in counts.items())


def _places(evidence: Evidence, severity: Severity) -> Iterator[str]:
    bad = "" if evidence.severity is severity else f" [{evidence.severity.value}]"
    detail = f"  {evidence.detail}" if evidence.detail else ""
    yield f"                  {evidence.place}{detail}{bad}"
    layer = evidence.layer.removeprefix("sha256:")[:12]
    if layer or evidence.instruction:
        where = f"layer {layer}: " if layer else ""
        yield f"                    {where}{evidence.instruction or 'without a history'}"
