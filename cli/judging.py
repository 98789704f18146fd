"""``buildinsights check``: whether an image may ship, or a build keeps the server's budgets."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click

from cli.errors import BUILD_FAILED, UsageError
from cli.gating import Wanted, judge_image
from cli.records import Record, all_records
from cli.settings import Server, server

WAIT_SECONDS = 60
PAUSE_SECONDS = 1.0
TIMEOUT_SECONDS = 15
ENDED = frozenset({"succeeded", "failed", "canceled", "lost"})


@dataclass(frozen=True, slots=True)
class _Verdict:
    target: str
    href: str
    verdict: str
    budgets: list[dict[str, Any]]


@click.command
@click.argument("subject", required=False, metavar="[IMAGE|RECORD]")
@click.option("--environment", default="", help="Where the image is to go.")
@click.option("--policy", default="", help="A policy's name on the server, or built-in.")
@click.option(
    "--wait",
    "seconds",
    default=WAIT_SECONDS,
    show_default=True,
    help="Seconds in which the server may read what was sent, before it says that it cannot tell.",
)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def check(
    subject: str | None, environment: str, policy: str, seconds: int, *, as_json: bool
) -> None:
    """Ask the server whether IMAGE may ship, or whether the builds of RECORD keep their budgets.

    Without either, the last record here. Exit codes: for budgets 1 if one is exceeded; for an
    image 10 if the policy refuses it, and 11 if that cannot be told.
    """
    to = server()
    if to is None:
        raise UsageError("Set BUILDINSIGHTS_URL and BUILDINSIGHTS_TOKEN: the server judges.")
    record = _chosen(subject)
    if record is None and subject:
        ask = partial(_get, to)
        wanted = Wanted(environment, policy, seconds)
        raise SystemExit(judge_image(subject, ask, wanted, as_json=as_json))
    if record is None:
        raise UsageError("There is no record here yet. Name an image to ask about one.")
    if environment or policy:
        raise UsageError("--environment and --policy are for images; a record has budgets.")
    raise SystemExit(_judge_record(record, to, seconds, as_json=as_json))


def _judge_record(record: Record, to: Server, seconds: int, *, as_json: bool) -> int:
    run = record.run()
    if not run.refs:
        raise UsageError(f"{run.id} has no build that the server could know of.")
    until = time.monotonic() + seconds
    told = [_verdict(target, ref, to, until) for target, ref in run.refs.items()]
    if as_json:
        click.echo(json.dumps([_as_json(item) for item in told], indent=2))
    else:
        click.echo("\n".join(line for item in told for line in _lines(item)))
    return BUILD_FAILED if any(item.verdict == "exceeded" for item in told) else 0


def _chosen(name: str | None) -> Record | None:
    """Return the record of a name, or the last one here."""
    for record in all_records():
        if name is None and record.run().directory == str(Path.cwd()):
            return record
        if record.path.name == name:
            return record
    return None


def _verdict(target: str, ref: str, to: Server, until: float) -> _Verdict:
    build = _found(target, ref.rpartition("/")[2], to, until)
    told = _get(to, f"builds/{build['id']}/verdict/")
    return _Verdict(target, build["html_url"], told["verdict"], told["budgets"])


def _found(target: str, ref: str, to: Server, until: float) -> dict[str, Any]:
    """Return the build once the server has read it.

    Raises:
        UsageError: it has not by then.
    """
    while True:
        found: list[dict[str, Any]] = _get(to, "builds/", buildkit_ref=ref)["results"]
        if found and found[0]["status"] in ENDED:
            return found[0]
        if time.monotonic() >= until:
            raise UsageError(f"The server does not know the build of {target} yet: was it sent?")
        time.sleep(PAUSE_SECONDS)


def _get(to: Server, path: str, **query: str) -> Any:
    import requests

    try:
        answer = requests.get(
            f"{to.url}/api/v1/{path}",
            headers={"Authorization": f"Bearer {to.token}"},
            params=query,
            timeout=TIMEOUT_SECONDS,
        )
    except requests.RequestException as error:
        raise UsageError(f"{to.url}: {type(error).__name__}") from error
    if not answer.ok:
        raise UsageError(f"{to.url}: {answer.status_code} {answer.text[:300]}")
    return answer.json()


def _lines(item: _Verdict) -> Iterator[str]:
    words = {"none": "has no budget", "unknown": "cannot be judged"}
    yield f"{item.target}: {words.get(item.verdict, item.verdict)}  {item.href}"
    for budget in item.budgets:
        yield f"  {budget['state']:<9} {budget['words']}: {budget['shown']}"


def _as_json(item: _Verdict) -> dict[str, Any]:
    return {
        "target": item.target,
        "build": item.href,
        "verdict": item.verdict,
        "budgets": item.budgets,
    }
