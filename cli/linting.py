"""``buildinsights lint``: BuildKit's own checks of Dockerfiles, kept over time by the server."""

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from buildkit.checks import CheckedTarget, CheckWarning, read_checks
from buildkit.errors import ParseError
from buildkit.limits import Limits
from cli import outbox
from cli.engine import buildx, buildx_command, error_of
from cli.errors import EngineMissingError, UsageError
from cli.pipeline import pipeline_fields
from cli.planning import bake_options, explained
from cli.sending import TITLE_LABEL
from cli.settings import server
from cli.terminal import BREAKS, inert, told

RULE_BROKEN = 1
SECONDS = 600
_LINK = "target:"
FORMAT = 1


@click.command
@click.argument("targets", nargs=-1)
@click.option(
    "-f", "--file", "files", multiple=True, help="Bake or compose file, as bake takes it."
)
@click.option("--set", "overrides", multiple=True, help="Override, as bake takes it.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.option("--upload/--no-upload", default=None, help="Default: if a server is set.")
def lint(
    targets: tuple[str, ...],
    files: tuple[str, ...],
    overrides: tuple[str, ...],
    *,
    as_json: bool,
    upload: bool | None,
) -> None:
    """Check the Dockerfiles of TARGETS by BuildKit's own rules, without building.

    Ends with exit code 1 if a rule is broken or a Dockerfile cannot be read, as buildx itself.
    """
    if upload and server() is None:
        raise UsageError("Set BUILDINSIGHTS_URL and BUILDINSIGHTS_TOKEN to say where to send.")
    checked = checked_targets(files, targets, overrides)
    documents = _documents(checked, pipeline_fields(os.environ, Path.cwd()))
    if as_json:
        click.echo(json.dumps(documents, indent=2))
    else:
        click.echo(told(line for item in checked for line in _lines(item)))
    for document in documents if upload is not False else ():
        outbox.deliver("lint-rules/", document, f"The result of {document['service']}")
    for item in checked:
        if item.error:
            click.echo(inert(f"{item.name}: {item.error}", keep=BREAKS), err=True)
    is_clean = not any(item.error or item.warnings for item in checked)
    raise SystemExit(0 if is_clean else RULE_BROKEN)


def checked_targets(
    files: Sequence[str], targets: Sequence[str], overrides: Sequence[str]
) -> tuple[CheckedTarget, ...]:
    """Run the checks.

    Raises:
        EngineMissingError: nothing answers.
        UsageError: the definition or a name is wrong.
    """
    overrides = [*overrides, *_instead_of_targets(files, targets, overrides)]
    options = [*bake_options(files, overrides), "--call=check,format=json", "--progress=plain"]
    command = [*buildx_command(), "bake", *options, *targets]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise EngineMissingError(f"docker buildx bake did not answer in {SECONDS} s.") from error
    try:
        # A broken rule ends buildx with 1, too.
        return read_checks(done.stdout, "docker buildx bake", Limits())
    except ParseError as error:
        if not done.returncode:
            raise UsageError(str(error)) from error
    raise error_of(done.stderr.decode(errors="replace"))


def _instead_of_targets(
    files: Sequence[str], targets: Sequence[str], overrides: Sequence[str]
) -> Iterator[str]:
    """Yield overrides that give each context of another target's result that target's files.

    Only a build has results: buildx does not take such contexts for checks, which read no file of
    them.
    """
    try:
        printed = buildx("bake", *bake_options(files, overrides), "--print", *targets)
    except UsageError as error:
        raise explained(error, files) from error
    known = json.loads(printed)["target"]
    for name, target in known.items():
        for context, source in (target.get("contexts") or {}).items():
            linked = source.removeprefix(_LINK)
            if linked != source:
                folder = known.get(linked, {}).get("context", ".")
                yield f"{name}.contexts.{context}={folder}"


def _documents(checked: Sequence[CheckedTarget], known: dict[str, str]) -> list[dict[str, Any]]:
    """Return what is sent of each target that could be checked."""
    told = {name: known.get(name, "") for name in ("ref_name", "change_id", "revision")}
    now = datetime.now(UTC).isoformat()
    return [
        {
            "format": FORMAT,
            "service": item.labels.get(TITLE_LABEL) or item.name,
            "target": item.stage,
            "checked_at": now,
            **told,
            "warnings": [_document(warning) for warning in item.warnings],
        }
        for item in checked
        if not item.error
    ]


def _document(warning: CheckWarning) -> dict[str, Any]:
    return {
        "rule": warning.rule,
        "description": warning.description,
        "url": warning.url,
        "detail": warning.detail,
        "file": warning.filename,
        "lines": [[item.start_line, item.end_line] for item in warning.ranges],
    }


def _lines(item: CheckedTarget) -> Iterator[str]:
    if item.error:
        yield f"{item.name}: could not be checked"
        return
    count = len(item.warnings)
    yield f"{item.name}: {count or 'no'} warning{'' if count == 1 else 's'}"
    for warning in item.warnings:
        line = f":{warning.ranges[0].start_line}" if warning.ranges else ""
        yield f"  {warning.filename}{line}  {warning.rule}: {warning.detail}"
        if warning.url:
            yield f"    {warning.url}"
