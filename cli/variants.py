"""``buildinsights variants``: what differs between two variants, and what must not."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from buildkit.bake import Target
from buildkit.parity import Image, counts, drift, only_in, read_image
from cli.engine import buildx, docker
from cli.errors import BUILD_FAILED, UsageError
from cli.planning import bake_options, plan_of
from cli.summary import aligned, size

REPOSITORY = "buildinsights-variant"
BUILD_SECONDS = 3600
NAMES_SHOWN = 12


@click.command()
@click.argument("targets", nargs=-1)
@click.option("-f", "--file", "files", multiple=True, help="Bake or compose file.")
@click.option("--first", default="dev", show_default=True, help="The variant that may have more.")
@click.option("--second", default="prod", show_default=True, help="The variant that is shipped.")
def variants(targets: tuple[str, ...], files: tuple[str, ...], first: str, second: str) -> None:
    """Compare two variants of TARGETS: packages, users, ports, health checks, sizes.

    Both are built, mostly from the cache. Ends with 1 if a version that a lock file decides, or
    what the images declare, has drifted apart.
    """
    plan = plan_of(files, targets, variant=second)
    images = [target for target in plan.targets.values() if target.tags]
    if not images:
        raise UsageError("None of these targets makes an image with a tag.")
    found = []
    with _built(images, files, first) as one, _built(images, files, second) as two:
        for target in images:
            found += _compare(target.name, one[target.name], two[target.name])
    if found:
        raise SystemExit(BUILD_FAILED)


def _compare(name: str, first: Image, second: Image) -> list[str]:
    """Print what differs; return what has drifted."""
    click.echo(f"\n{name}")
    click.echo(aligned([("", first.variant, second.variant), *_rows(first, second)]), nl=False)
    for image, other in ((first, second), (second, first)):
        for ecosystem, names in only_in(image, other).items():
            more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
            shown = ", ".join(names[:NAMES_SHOWN])
            click.echo(f"  {ecosystem} only in {image.variant}: {shown}{more}")
    drifted = drift(first, second)
    for words in drifted:
        click.echo(f"  DRIFT: {words}")
    return drifted


def _rows(first: Image, second: Image) -> Iterator[tuple[str, str, str]]:
    one, two = first.behaviour, second.behaviour
    yield "  size", size(first.size_bytes), size(second.size_bytes)
    yield "  user", one.user or "root", two.user or "root"
    yield "  ports", " ".join(sorted(one.ports)), " ".join(sorted(two.ports))
    yield "  volumes", " ".join(sorted(one.volumes)) or "–", " ".join(sorted(two.volumes)) or "–"
    yield "  stop signal", one.stop_signal or "–", two.stop_signal or "–"
    has = {True: "yes", False: "no"}
    yield "  health check", has[one.has_health_check], has[two.has_health_check]
    left, right = counts(first.packages), counts(second.packages)
    for ecosystem in sorted(left.keys() | right.keys()):
        yield (
            f"  {ecosystem} packages",
            str(left.get(ecosystem, 0)),
            str(right.get(ecosystem, 0)),
        )


@contextmanager
def _built(
    targets: Sequence[Target], files: Sequence[str], variant: str
) -> Iterator[dict[str, Image]]:
    """Build one variant of targets into the engine, read it, and remove it in the end."""
    tags = {target.name: f"{REPOSITORY}:{target.name}-{variant}".lower() for target in targets}
    overrides = [f"{name}.tags={tag}" for name, tag in tags.items()]
    overrides += [f"{name}.platform=" for name in tags]
    options = bake_options(files, overrides)
    buildx("bake", *options, "--load", *tags, timeout=BUILD_SECONDS, variant=variant)
    try:
        yield {name: _read(tag, variant) for name, tag in tags.items()}
    finally:
        _docker("image", "rm", "--force", *tags.values())


def _read(tag: str, variant: str) -> Image:
    [inspected] = json.loads(_docker("image", "inspect", tag))
    container = _docker("create", tag, "none").strip()
    try:
        export = [docker(), "export", container]
        with subprocess.Popen(export, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None  # noqa: S101  # opened as a pipe above
            return read_image(variant, inspected, process.stdout)
    finally:
        _docker("rm", "--force", "--volumes", container)


def _docker(*arguments: str) -> str:
    done = subprocess.run(
        [docker(), *arguments], cwd=Path.cwd(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise UsageError(done.stderr.strip())
    return done.stdout
