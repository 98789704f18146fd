"""``buildinsights build``: Bake builds, we watch, record and tell.

Bake is started before anything else is even imported: what this command adds is done while Bake
works, or left to a process of its own afterwards.
"""

import errno
import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from cli import records
from cli.engine import buildx_command
from cli.errors import UsageError
from cli.quarantine import quarantined
from cli.records import METADATA, PROGRESS, RESOURCES, Record
from cli.running import Bake, Done, Ended

FREE_BYTES = 20_000_000
"""Bake fails if it cannot write its metadata file: with less than this it writes elsewhere."""


@click.command()
@click.argument("targets", nargs=-1)
@click.option(
    "-f", "--file", "files", multiple=True, help="Bake or compose file, as bake takes it."
)
@click.option("--set", "overrides", multiple=True, help="Override, as bake takes it.")
@click.option("--platform", help="Platforms of all targets, with commas between.")
@click.option("--variant", help="Sent along; and the Bake variable VARIANT.")
@click.option("--env", "environment", help="A file of environments/; also sent along.")
@click.option("--allow", "allowed", multiple=True, help="Entitlement, as bake takes it.")
@click.option("--push", is_flag=True, help="Push what is built.")
@click.option("--platform-tags", is_flag=True, help="Tag each platform beside the pushed index.")
@click.option("--load", is_flag=True, help="Load what is built into the engine.")
@click.option("--no-cache", is_flag=True, help="Use no cache.")
@click.option("--no-cache-from", metavar="STAGE", help="Use no cache for STAGE and what needs it.")
@click.option("--max-parallel", type=click.IntRange(min=1), help="Targets to build at once.")
@click.option("--plain", is_flag=True, help="Lines instead of a tree, also in a terminal.")
@click.option("--verbose-cache", is_flag=True, help="Tell of each step whether it was cached.")
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path), help="Write the summary there."
)
@click.option(
    "--confined", is_flag=True, help="Build images only, and nothing of outside this folder."
)
@click.option("--scan", is_flag=True, help="Scan what is pushed or loaded with trivy.")
@click.option("--inspect", is_flag=True, help="Check what is pushed or loaded, as inspect does.")
@click.option("--fail-on", help="Of --scan: HIGH,CRITICAL if not given; none for nothing.")
@click.option("--sign", is_flag=True, help="Sign what is pushed, and attest its provenance.")
@click.option("--sign-key", envvar="BUILDINSIGHTS_SIGNING_KEY", help="Of --sign; else keyless.")
@click.option("--wait", is_flag=True, help="Wait until records are collected and sent (CI does).")
def build(
    targets: tuple[str, ...],
    files: tuple[str, ...],
    overrides: tuple[str, ...],
    platform: str | None,
    variant: str | None,
    environment: str | None,
    allowed: tuple[str, ...],
    no_cache_from: str | None,
    max_parallel: int | None,
    json_file: Path | None,
    fail_on: str | None,
    sign_key: str | None,
    *,
    push: bool,
    platform_tags: bool,
    load: bool,
    no_cache: bool,
    plain: bool,
    verbose_cache: bool,
    confined: bool,
    scan: bool,
    inspect: bool,
    sign: bool,
    wait: bool,
) -> None:
    """Build TARGETS of the Bake file (default: its default group) and record what happened."""
    buildx_command()
    _check_push(push, **{"--platform-tags": platform_tags, "--sign": sign})
    flags = _flags({"--push": push, "--load": load, "--no-cache": no_cache}, allowed)
    overrides = (*overrides, *_platforms(platform))
    if confined:
        variables = partial(set_variables, variant, environment)
        files, overrides, flags = _confined(files, targets, overrides, flags, variables)
    else:
        set_variables(variant, environment)
    if no_cache_from:
        files = _without_cache(files, targets, no_cache_from)
    fields = {"variant": variant or "", "environment": environment or ""}
    asked = Asked(tuple(files), tuple(overrides), tuple(flags), fields, plain)
    looked_at = _look_later(asked, targets, fail_on, scan=scan, inspect=inspect)
    signed = _sign_later(sign_key or "", sign=sign)
    runs = run_batches(asked, _batches(files, targets, overrides, max_parallel))
    # Heavy, and by now imported while Bake ran.
    from cli import telling

    telling.tell(runs, files, json_file, verbose_cache=verbose_cache, wait=wait)
    if platform_tags and not runs[-1].ended.exit_code:
        _tag_platforms(files, targets, overrides)
    raise SystemExit(runs[-1].ended.exit_code or looked_at(runs) or signed(runs))


def _check_push(push: bool, **switches: bool) -> None:
    for name, is_on in switches.items():
        if is_on and not push:
            raise UsageError(f"{name} is for what is pushed: give --push too.")


def _tag_platforms(files: Sequence[str], targets: Sequence[str], overrides: Sequence[str]) -> None:
    from cli.tagging import tag_platforms

    tag_platforms(files, targets, overrides)


def _sign_later(key: str, *, sign: bool) -> Callable[[Sequence[Done]], int]:
    """Return what signs the images of runs that succeed and tells the exit code.

    What cannot be signed with is an error now. A scan that fails keeps its image unsigned.
    """
    if not sign:
        return lambda runs: 0
    from cli import signing_builds

    signer = signing_builds.checked_signer(key)
    return lambda runs: signing_builds.sign_built(runs, signer)


def _look_later(
    asked: "Asked", targets: Sequence[str], fail_on: str | None, *, scan: bool, inspect: bool
) -> Callable[[Sequence[Done]], int]:
    """Return what scans and checks the images of runs that succeed and tells the exit code.

    What cannot be looked at is an error now, and not after the build.
    """
    if not scan and fail_on is not None:
        raise UsageError("--fail-on is for --scan: give that too.")
    if not (scan or inspect):
        return lambda runs: 0
    from cli import inspecting_builds, scanning_builds, trivy
    from cli.findings import severities

    if scan:
        trivy.program()
    least = severities(None, None, fail_on)
    images = scanning_builds.expected_images(asked.files, targets, asked.overrides, asked.flags)

    def look(runs: Sequence[Done]) -> int:
        checked = inspecting_builds.inspect_built(images, runs) if inspect else 0
        return (scanning_builds.scan_built(images, runs, least) if scan else 0) or checked

    return look


def _confined(
    files: Sequence[str],
    targets: Sequence[str],
    overrides: Sequence[str],
    flags: Sequence[str],
    set_variables: Callable[[], None],
) -> tuple[tuple[str, ...], tuple[str, ...], list[str]]:
    """Return the files, overrides and flags that build the checked plan, which has them all."""
    from cli.confining import check_sources, confined_definition

    check_sources(files, targets)
    set_variables()
    return (confined_definition(files, targets, overrides, flags),), (), []


def _without_cache(files: Sequence[str], targets: Sequence[str], stage: str) -> tuple[str, ...]:
    from cli.no_cache import files_without_cache

    return files_without_cache(files, targets, stage)


def _platforms(listed: str | None) -> list[str]:
    """Return one override each: Bake takes a list with commas for one platform."""
    return [f"*.platform={item}" for item in (listed or "").split(",") if item]


def _flags(switches: Mapping[str, bool], allowed: Sequence[str]) -> list[str]:
    return [
        *(name for name, is_on in switches.items() if is_on),
        *(f"--allow={entitlement}" for entitlement in allowed),
    ]


def set_variables(variant: str | None, environment: str | None) -> None:
    """Hand values to Bake, which reads its variables from the process's environment."""
    if environment:
        from cli.environments import bake_variables

        os.environ |= bake_variables(Path.cwd(), environment) | {"ENVIRONMENT": environment}
    if variant:
        os.environ["VARIANT"] = variant


def _batches(
    files: Sequence[str], targets: Sequence[str], overrides: Sequence[str], most: int | None
) -> list[list[str]]:
    """Return the targets of each run of Bake: all in one, or ``most`` at once in build order."""
    if most is None:
        return [list(targets)]
    from cli.planning import plan_of

    plan = plan_of(files, targets, overrides)
    asked = plan.expand(targets or ["default"])
    ordered = [target for target in plan.order() if target in asked]
    return [ordered[first : first + most] for first in range(0, len(ordered), most)]


@dataclass(frozen=True, slots=True)
class Asked:
    """What all runs of Bake for one command have in common; ``fields`` are noted in records."""

    files: tuple[str, ...]
    overrides: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    fields: dict[str, str] = field(default_factory=dict)
    plain: bool = False


def run_batches(asked: Asked, batches: Iterable[Sequence[str]]) -> list[Done]:
    """Run Bake for each batch of targets until one fails; return all runs, with their records.

    Caches in quarantine are not imported. A build that a broken cache fails is run once more
    without it, and both runs are returned.
    """
    runs: list[Done] = []
    for batch in batches:
        asked = _without_quarantined(asked, batch)
        runs.append(_run_batch(asked, batch))
        if mended := _mended(asked, batch, runs[-1].ended):
            asked = mended
            runs.append(_run_batch(asked, batch))
        if runs[-1].ended.exit_code:
            break
    return runs


def _run_batch(asked: Asked, batch: Sequence[str]) -> Done:
    options = [f"--file={file}" for file in asked.files]
    options += [f"--set={item}" for item in asked.overrides]
    return _run(["bake", *options, *asked.flags, *batch], asked.fields, plain=asked.plain)


def _without_quarantined(asked: Asked, batch: Sequence[str]) -> Asked:
    if not quarantined():
        return asked
    from cli.mending import without_quarantined

    overrides = without_quarantined(asked.files, batch, asked.overrides)
    return replace(asked, overrides=overrides)


def _mended(asked: Asked, batch: Sequence[str], ended: Ended) -> Asked | None:
    """Return how to build again without the broken caches that failed a build, if they did."""
    if ended.outcome != "failed":
        return None
    from cli.mending import without_broken

    overrides = without_broken(ended.text, asked.files, batch, asked.overrides)
    return None if overrides is None else replace(asked, overrides=overrides)


@dataclass(frozen=True, slots=True)
class _Seen:
    """How Bake ended, what Git and the CI system know, and bytes by digest of images."""

    ended: Ended
    fields: dict[str, str]
    sizes: dict[str, int]


def _run(command: list[str], fields: dict[str, str], *, plain: bool) -> Done:
    """Run Bake once, with a record of it."""
    record = _record(command)
    call = [
        *buildx_command(),
        *command,
        "--progress=rawjson",
        f"--metadata-file={record.file(METADATA)}",
    ]
    with Bake(call, Path.cwd()) as bake:
        seen = _follow(bake, record, plain=plain)
    ended = seen.ended
    fields = seen.fields | {name: value for name, value in fields.items() if value}
    try:
        record.update(
            ended_at=datetime.now(UTC).isoformat(),
            outcome=ended.outcome,
            exit_code=ended.exit_code,
            fields=fields,
        )
    except OSError as error:
        click.echo(f"The record of this build is not complete: {error}", err=True)
    return Done(record, ended, seen.sizes)


def _follow(bake: Bake, record: Record, *, plain: bool) -> _Seen:
    """Watch and sample until Bake ends, and find out meanwhile what is needed afterwards."""
    from concurrent.futures import Future, ThreadPoolExecutor

    from cli.sampling import Sampler
    from cli.sizes import named_in, size_in_engine
    from cli.watching import shows_tree, watching

    expected: dict[str, float] = {}
    with ThreadPoolExecutor(1) as pool, Sampler(record.file(RESOURCES)):
        with watching(expected, plain=plain) as watch:
            meanwhile = pool.submit(_meanwhile, expected, shown=shows_tree(plain=plain))
            sizes: list[Future[tuple[str, int] | None]] = []

            def see(line: bytes) -> None:
                watch(line)
                sizes.extend(pool.submit(size_in_engine, name) for name in named_in(line))

            ended = bake.follow(record.file(PROGRESS), see)
        found = [size.result() for size in sizes]
        return _Seen(ended, meanwhile.result(), dict(item for item in found if item))


def _record(command: list[str]) -> Record:
    """Begin a record; where that cannot be, one that goes away: a full disk fails no build."""
    try:
        return _record_with_room(command)
    except OSError as error:
        import tempfile

        click.echo(f"No record is kept of this build: {error}", err=True)
        return records.create(command, Path.cwd(), Path(tempfile.mkdtemp(prefix="buildinsights-")))


def _record_with_room(command: list[str]) -> Record:
    record = records.create(command, Path.cwd())
    if shutil.disk_usage(record.path).free < FREE_BYTES:
        shutil.rmtree(record.path)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(record.path))
    return record


def _meanwhile(expected: dict[str, float], *, shown: bool) -> dict[str, str]:
    """Import what is needed afterwards, and ask Git and the CI system, while Bake works."""
    import cli.telling  # noqa: F401
    from cli.pipeline import pipeline_fields
    from cli.reading import expected_seconds

    if shown:
        expected |= expected_seconds(Path.cwd())
    return pipeline_fields(os.environ, Path.cwd())
