"""``buildinsights debug``: a shell in the state that a failed step found."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from buildkit.bake import Target
from cli import debugger, records
from cli.engine import buildx, docker
from cli.errors import UsageError
from cli.explaining import dockerfile_lines, failing_lines
from cli.planning import bake_options, plan_of
from cli.reading import builds_of

TAG = "buildinsights-debug"
BUILD_SECONDS = 3600


@click.command()
@click.argument("target")
@click.option("-f", "--file", "files", multiple=True, help="Bake or compose file.")
@click.option("--command", help="Run this instead of a shell.")
def debug(target: str, files: tuple[str, ...], command: str | None) -> None:
    """Open a shell at the step at which TARGET failed last.

    In a terminal buildx's own debugger opens it, in what the step left; that builds TARGET again,
    mostly from the cache. Where buildx has none, TARGET stands on other targets or a command is
    given, the shell is in the state just before the step.
    """
    plan = plan_of(files, [target])
    wanted = plan.targets.get(target)
    if wanted is None:
        raise UsageError(f"{target} is a group: name one of {', '.join(plan.targets)}.")
    lines = dockerfile_lines(wanted, Path.cwd())
    line = last_failing_line(target)
    if line is None or line > len(lines):
        raise UsageError(f"{target} did not fail at a known line in its last build here.")
    click.echo(f"{wanted.dockerfile}:{line}: {lines[line - 1]}", err=True)
    if not command and sys.stdin.isatty() and debugger.is_there():
        with tempfile.TemporaryDirectory() as folder:
            call = debugger.debugger_call(raw_target(target, files), Path(folder))
            if call is not None:
                raise SystemExit(debugger.run(call))
    image = build_until(wanted, lines[: line - 1], files)
    raise SystemExit(open_shell(image, command))


def raw_target(name: str, files: tuple[str, ...]) -> dict[str, Any]:
    """Return a target as Bake resolved it, every field."""
    document = json.loads(buildx("bake", *bake_options(files, ()), "--print", name))
    target: dict[str, Any] = document["target"][name]
    return target


def last_failing_line(target: str) -> int | None:
    """Return the Dockerfile line at which the target failed in its last run here."""
    for record in records.all_records():
        run = record.run()
        if run.directory != str(Path.cwd()) or target not in run.targets:
            continue
        for build in builds_of(record):
            if build.name_hint == target and build.failure:
                digest = build.failure.vertex_digest
                step = next((step for step in build.steps if step.vertex_digest == digest), None)
                return failing_lines(build.failure, step)[0]
        return None
    return None


def build_until(target: Target, lines: list[str], files: tuple[str, ...]) -> str:
    """Build a Dockerfile cut short and load the result; return its name."""
    image = f"{TAG}:{target.name}".lower()
    with tempfile.TemporaryDirectory() as folder:
        dockerfile = Path(folder) / "Dockerfile"
        dockerfile.write_text("\n".join(lines) + "\n")
        overrides = [
            f"{target.name}.dockerfile={dockerfile}",
            f"{target.name}.target=",
            f"{target.name}.output=type=docker",
            f"{target.name}.tags={image}",
            f"{target.name}.platform=",
            f"{target.name}.attest=type=provenance,disabled=true",
        ]
        options = [*bake_options(files, overrides), f"--allow=fs.read={folder}"]
        buildx("bake", *options, target.name, timeout=BUILD_SECONDS)
    return image


def open_shell(image: str, command: str | None) -> int:
    """Run a shell in the image; return its exit code."""
    terminal = ["--interactive", "--tty"] if sys.stdin.isatty() else ["--interactive"]
    call = ["-c", command] if command else []
    run = [docker(), "run", "--rm", *terminal, "--entrypoint", "sh", image, *call]
    return subprocess.run(run, check=False).returncode
