"""``buildinsights build``: Bake builds, we watch, record and tell."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import click

from buildkit.bake import Plan
from buildkit.errors import ParseError
from buildkit.model import Build
from cli import records, sending, summary
from cli.engine import bake_options, docker, error_of, plan_of
from cli.environments import bake_variables
from cli.explaining import explain_failure
from cli.pipeline import pipeline_fields
from cli.records import METADATA, PROGRESS, RESOURCES, Record
from cli.running import Ended, run_bake
from cli.sampling import Sampler
from cli.settings import is_ci, server
from cli.watching import watching

TITLE_LABEL = "org.opencontainers.image.title"


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
@click.option("--load", is_flag=True, help="Load what is built into the engine.")
@click.option("--no-cache", is_flag=True, help="Use no cache.")
@click.option("--plain", is_flag=True, help="Lines instead of a tree, also in a terminal.")
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path), help="Write the summary there."
)
@click.option("--wait", is_flag=True, help="Wait until records are collected and sent (CI does).")
def build(
    targets: tuple[str, ...],
    files: tuple[str, ...],
    overrides: tuple[str, ...],
    platform: str | None,
    variant: str | None,
    environment: str | None,
    allowed: tuple[str, ...],
    *,
    push: bool,
    load: bool,
    no_cache: bool,
    plain: bool,
    json_file: Path | None,
    wait: bool,
) -> None:
    """Build TARGETS of the Bake file (default: its default group) and record what happened."""
    docker()
    _set_variables(variant, environment)
    switches = {"--push": push, "--load": load, "--no-cache": no_cache}
    flags = [name for name, on in switches.items() if on]
    flags += [f"--allow={entitlement}" for entitlement in allowed]
    overrides = (*overrides, *([f"*.platform={platform}"] if platform else []))
    fields = pipeline_fields(os.environ, Path.cwd())
    fields |= {"variant": variant or "", "environment": environment or ""}
    record = records.create(
        ["bake", *bake_options(files, overrides), *flags, *targets],
        Path.cwd(),
        {name: value for name, value in fields.items() if value},
    )
    with ThreadPoolExecutor(1) as pool:
        planned = pool.submit(plan_of, files, targets, overrides)
        ended = _run(record, plain=plain)
        plan = _result(planned)
    _remember(record, ended, plan)
    _tell(record, ended, plan, json_file)
    _finish(record, ended, wait=wait)
    raise SystemExit(ended.exit_code)


def _set_variables(variant: str | None, environment: str | None) -> None:
    """Hand values to Bake, which reads its variables from the process's environment."""
    if environment:
        os.environ |= bake_variables(Path.cwd(), environment) | {"ENVIRONMENT": environment}
    if variant:
        os.environ["VARIANT"] = variant


def _run(record: Record, *, plain: bool) -> Ended:
    command = [
        docker(),
        "buildx",
        *record.run().command,
        "--progress=rawjson",
        f"--metadata-file={record.file(METADATA)}",
    ]
    with watching(expected_seconds(Path.cwd()), plain=plain) as watch, _sampler(record):
        return run_bake(command, Path.cwd(), record.file(PROGRESS), watch)


def _sampler(record: Record) -> Sampler:
    return Sampler(record.file(RESOURCES))


def _result(planned: object) -> Plan | None:
    try:
        plan: Plan = planned.result()  # type: ignore[attr-defined]
    except (click.ClickException, ParseError):
        return None  # the build itself has said why
    return plan


def _remember(record: Record, ended: Ended, plan: Plan | None) -> None:
    targets = plan.targets.values() if plan else ()
    record.update(
        ended_at=datetime.now(UTC).isoformat(),
        outcome=ended.outcome,
        exit_code=ended.exit_code,
        targets=[target.name for target in targets],
        services={
            target.name: target.labels[TITLE_LABEL]
            for target in targets
            if target.labels.get(TITLE_LABEL)
        },
        contexts={target.name: [target.context, target.dockerfile] for target in targets},
    )


def _tell(record: Record, ended: Ended, plan: Plan | None, json_file: Path | None) -> None:
    """Print the summary, and after a failure why it failed."""
    builds = summary.builds_of(record)
    for failed in builds if ended.outcome == "failed" else ():
        if text := explain_failure(failed, plan, Path.cwd()):
            click.echo(text, err=True)
    if ended.outcome in {"usage_error", "engine_missing"}:
        click.echo(f"Error: {error_of(ended.text).message}", err=True)
    rows = [] if ended.outcome == "usage_error" else summary.rows_of(builds)
    if rows:
        click.echo(summary.as_text(rows), err=True, nl=False)
    if json_file:
        summary.write_json(rows, json_file)
    if page := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(page).open("a") as file:
            file.write(summary.as_markdown(rows))


def _finish(record: Record, ended: Ended, *, wait: bool) -> None:
    """Collect and send; in a terminal that is left to a process of its own."""
    if ended.outcome in {"usage_error", "engine_missing"}:
        return
    if not (wait or is_ci()):
        sending.collect_later(record)
        return
    try:
        error = sending.finish(record)
    except (click.ClickException, OSError, ValueError) as problem:
        error = f"not collected: {problem}"
    if error:
        click.echo(f"The record was not sent, and is kept: {error}", err=True)
    elif server():
        click.echo("The record was sent.", err=True)


def expected_seconds(directory: Path) -> dict[str, float]:
    """Return the wall seconds of each target's last success here; one older run is looked at."""
    for record in records.all_records():
        run = record.run()
        if run.directory == str(directory) and run.outcome == "succeeded":
            return _walls(summary.builds_of(record))
    return {}


def _walls(builds: tuple[Build, ...]) -> dict[str, float]:
    return {
        build.name_hint: build.timing.wall_seconds
        for build in builds
        if build.timing.wall_seconds is not None
    }
