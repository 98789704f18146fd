"""``buildinsights cache verify``: whether caches in a registry are whole."""

import json

import click

from buildkit.caching.verifying import Verdict
from buildkit.caching.verifying import verify as looked_at
from buildkit.registry import RegistryError
from cli import journal, quarantine, summary
from cli.cache.registries import named, registry_of
from cli.errors import UsageError


@click.command()
@click.argument("references", nargs=-1, metavar="[REF]…")
@click.option("--deep", is_flag=True, help="Read all blobs, and compare their digests.")
@click.option(
    "--quarantine", "isolate", is_flag=True, help="Let builds here do without broken ones."
)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def verify(references: tuple[str, ...], *, deep: bool, isolate: bool, as_json: bool) -> None:
    """Look whether each blob of a cache is there (default: those of the Bake file's targets).

    Ends with exit code 1 if one is broken.
    """
    try:
        verdicts = [
            looked_at(registry_of(reference.host), reference, deep=deep)
            for reference in named(references)
        ]
    except RegistryError as error:
        raise UsageError(str(error)) from error
    for verdict in verdicts:
        _keep(verdict, isolate=isolate)
    if as_json:
        click.echo(json.dumps([_as_json(verdict) for verdict in verdicts], indent=2))
    else:
        click.echo("\n".join(line for verdict in verdicts for line in _lines(verdict)))
    raise SystemExit(any(not verdict.is_whole for verdict in verdicts))


def _keep(verdict: Verdict, *, isolate: bool) -> None:
    """Put a broken cache in quarantine if so asked, and lift that of one that is whole."""
    name = str(verdict.reference)
    if verdict.is_whole:
        if quarantine.lift(name):
            journal.note("lift", name, dry_run=False, outcome="It is whole.", details={})
    elif isolate:
        reason = verdict.problems[0].message
        quarantine.put(name, verdict.digest, reason)
        journal.note("quarantine", name, dry_run=False, outcome=reason, details=_as_json(verdict))


def _lines(verdict: Verdict) -> list[str]:
    if verdict.is_whole:
        read = f", {summary.size(verdict.checked_bytes)} read" if verdict.checked_bytes else ""
        return [f"{verdict.reference}: whole, {verdict.blobs} blobs{read}"]
    return [
        f"{verdict.reference}: broken",
        *(
            f"  {problem.digest or 'manifest'} {problem.fault.value}: {problem.message}"
            for problem in verdict.problems
        ),
    ]


def _as_json(verdict: Verdict) -> dict[str, object]:
    return {
        "reference": str(verdict.reference),
        "digest": verdict.digest,
        "blobs": verdict.blobs,
        "checked_bytes": verdict.checked_bytes,
        "problems": [
            {"digest": item.digest, "fault": item.fault.value, "message": item.message}
            for item in verdict.problems
        ],
    }
