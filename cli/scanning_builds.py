"""``buildinsights build --scan``: which images a build will leave, and the scans of them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from buildkit.bake import read_plan
from buildkit.registry import InvalidReferenceError, Reference
from cli import trivy
from cli.engine import buildx, driver
from cli.errors import CANCELED, FINDINGS, CanceledError, TrivyFailedError, UsageError
from cli.findings import as_text, findings_of
from cli.planning import bake_options, declared_values, explained
from cli.records import METADATA, Record
from cli.running import Done
from cli.scanning import Image, deliver, is_digest, scan_image, verdict
from cli.sending import TITLE_LABEL

FAIL_ON = ("HIGH", "CRITICAL")


@dataclass(frozen=True, slots=True)
class Expected:
    """What a target will leave: names that are pushed, or else loaded, for these platforms."""

    service: str
    names: tuple[str, ...]
    pushed: bool
    platforms: tuple[str, ...]


def expected_images(
    files: Sequence[str], targets: Sequence[str], overrides: Sequence[str], flags: Sequence[str]
) -> dict[str, Expected]:
    """Return by target which images there will be; said before anything is built.

    Raises:
        UsageError: no target's image is pushed or loaded under a name.
    """
    try:
        printed = buildx("bake", *bake_options(files, overrides), *flags, "--print", *targets)
    except UsageError as error:
        raise explained(error, files) from error
    document = json.loads(printed)["target"]
    into_engine = driver() == "docker"
    found = {
        target.name: Expected(
            target.labels.get(TITLE_LABEL, target.name),
            names,
            pushed=_is_pushed(outputs),
            platforms=target.platforms,
        )
        for target in read_plan(printed).targets.values()
        if (outputs := _outputs(document[target.name]))
        and (names := target.tags or _names(outputs))
        and (_is_pushed(outputs) or _is_loaded(outputs, into_engine=into_engine))
    }
    if not found:
        raise UsageError(
            "There will be no image to look at: no target has a tag and is pushed or loaded."
            " Give --push or --load."
        )
    return found


def _outputs(target: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return a target's outputs as objects; older versions of buildx print them as CSV."""
    items = target.get("output") or ["type=image"]
    return [
        {name: str(value) for name, value in item.items()}
        if isinstance(item, Mapping)
        else dict(pair.partition("=")[::2] for pair in str(item).split(","))
        for item in items
    ]


def _is_pushed(outputs: Sequence[Mapping[str, str]]) -> bool:
    return any(
        output.get("type") == "registry"
        or (output.get("type") == "image" and output.get("push") == "true")
        for output in outputs
    )


def _is_loaded(outputs: Sequence[Mapping[str, str]], *, into_engine: bool) -> bool:
    """Tell whether the engine gets the image: the engine's own builder keeps all of its own."""
    return any(
        (output.get("type") == "docker" and not output.get("dest"))
        or (into_engine and output.get("type") == "image")
        for output in outputs
    )


def _names(outputs: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
    return tuple(name for output in outputs if (name := output.get("name", "")))


def scan_built(
    expected: Mapping[str, Expected], runs: Sequence[Done], fail_on: Sequence[str] | None
) -> int:
    """Scan what the runs have left, one after the other; return the exit code.

    Without ``fail_on`` it fails on HIGH and CRITICAL.
    What was found weighs more than what could not be scanned. trivy's cache is for one at a time.
    """
    codes = {0}
    for done in runs:
        if done.ended.outcome != "succeeded":
            continue  # a broken cache failed it, and a later run has built it
        for _target, image, platform in images_of(expected, done.record):
            code = _scan(image, platform, FAIL_ON if fail_on is None else fail_on)
            if code == CANCELED:
                return code
            codes.add(code)
    return FINDINGS if FINDINGS in codes else max(codes)


def images_of(expected: Mapping[str, Expected], record: Record) -> Iterator[tuple[str, Image, str]]:
    """Yield target, image and platform of all that a run has left."""
    run = record.run()
    fields = declared_values(run.command) | run.fields
    metadata = json.loads(record.read(METADATA) or b"{}")
    for target, wanted in expected.items():
        if target not in metadata:
            continue
        digest = str(metadata[target].get("containerimage.digest", ""))
        digest = digest if is_digest(digest) else ""
        named = str(metadata[target].get("image.name", "")).split(",")[0].strip()
        name = named or wanted.names[0]
        image = Image(
            name,
            digest,
            wanted.service or Path(run.directory).name,
            fields.get("environment", ""),
            fields.get("variant", ""),
            pinned=_pinned(name, digest) if wanted.pushed else "",
        )
        for platform in wanted.platforms or ("",):
            yield target, image, platform


def _pinned(name: str, digest: str) -> str:
    """Return the name of exactly what was pushed: trivy asks the engine first, whose may be old."""
    try:
        return str(Reference.parse(name).at(digest)) if digest else ""
    except InvalidReferenceError:
        return ""


def _scan(image: Image, platform: str, fail_on: Sequence[str]) -> int:
    shown = f"{image.name} ({platform})" if platform else image.name
    click.echo(f"\nScanning {shown}", err=True)
    try:
        record, report = scan_image(image, trivy.Options(platform=platform))
    except (TrivyFailedError, CanceledError) as error:
        click.echo(f"Error: {shown}: {error.message}", err=True)
        return error.exit_code
    found = findings_of(report)
    click.echo(as_text(report, found), err=True, nl=False)
    click.echo(f"report: {record.report}", err=True)
    deliver(record)
    return verdict(shown, found, fail_on)
