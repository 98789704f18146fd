"""``buildinsights verify``: whether an image is to be trusted in an environment, and if not why."""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from buildkit.registry import Reference, Registry, credentials_for
from cli import outbox
from cli.errors import NOT_TRUSTED, UsageError
from cli.settings import Server, server
from cli.signing import failures
from cli.terminal import told
from supplychain.signing.cosign import Cosign
from supplychain.trust.reading import PolicyError, load_document, read_policy
from supplychain.trust.verifying import (
    Asked,
    UnknownEnvironmentError,
    Verification,
    verify_image,
)

TIMEOUT_SECONDS = 15


@click.command
@click.argument("image")
@click.option(
    "--policy",
    "policy_file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Trust policy as YAML or JSON (default: the server's of the environment).",
)
@click.option("--environment", default="", help="Where it is to run (default: the only one).")
@click.option("--trusted-root", default="", help="cosign's, for a Fulcio of your own.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def verify(
    image: str, policy_file: Path | None, environment: str, trusted_root: str, *, as_json: bool
) -> None:
    """Check signature, provenance and SBOM of IMAGE against a trust policy.

    With a server set the result is sent and kept there.

    Exit codes: 7 the image is not trusted, 8 there is no cosign, 9 nothing is known, as cosign or
    the registry failed.
    """
    to = server()
    of_server = None if policy_file else _policy_of(to, environment)
    document = of_server["document"] if of_server else _document(policy_file)
    with failures():
        reference = Reference.parse(image)
        asked = Asked(
            reference,
            document,
            environment or _only_environment(document),
            datetime.now(UTC),
            trusted_root=trusted_root,
        )
        found = _verified(asked)
    result = found.as_json()
    click.echo(json.dumps(result, indent=2) if as_json else told(_lines(found)))
    outbox.deliver("verifications/", _sent(result, of_server), "The result", waits_for_server=True)
    raise SystemExit(0 if found.verdict.passed else NOT_TRUSTED)


def _sent(result: dict[str, Any], of_server: dict[str, Any] | None) -> dict[str, Any]:
    """Return what the server gets: the result, and its own policy if it was held against that."""
    named = (
        {"policy": of_server["name"], "policy_version": of_server["version"]} if of_server else {}
    )
    return {"id": str(uuid.uuid4()), **result, **named}


def _verified(asked: Asked) -> Verification:
    registry = Registry(asked.reference.host, credentials_for(asked.reference.host))
    try:
        return verify_image(asked, registry, Cosign())
    except (PolicyError, UnknownEnvironmentError) as error:
        raise UsageError(str(error)) from error


def _document(path: Path | None) -> dict[str, Any]:
    if path is None:
        raise UsageError(
            "There is no policy: give --policy FILE, or set BUILDINSIGHTS_URL and"
            " BUILDINSIGHTS_TOKEN for the server's."
        )
    try:
        return load_document(path.read_text(errors="replace"))
    except PolicyError as error:
        raise UsageError(f"{path}: {error}") from error


def _only_environment(document: dict[str, Any]) -> str:
    try:
        names = [item.name for item in read_policy(document).environments]
    except PolicyError as error:
        raise UsageError(str(error)) from error
    if len(names) == 1:
        return names[0]
    raise UsageError(f"Say for which --environment: {', '.join(names)}.")


def _policy_of(to: Server | None, environment: str) -> dict[str, Any] | None:
    """Return the newest version of the server's policy for an environment."""
    if to is None:
        return None
    if not environment:
        raise UsageError("Say for which --environment: the server's policy is chosen by it.")
    import requests

    try:
        answer = requests.get(
            f"{to.url}/api/v1/trust-policies/",
            headers={"Authorization": f"Bearer {to.token}"},
            params={"environment": environment},
            timeout=TIMEOUT_SECONDS,
        )
    except requests.RequestException as error:
        raise UsageError(f"{to.url}: {type(error).__name__}") from error
    if not answer.ok:
        raise UsageError(f"{to.url}: {answer.status_code} {answer.text[:300]}")
    found: list[dict[str, Any]] = answer.json()["results"]
    if not found:
        raise UsageError(f"{to.url} has no trust policy for {environment}: give --policy FILE.")
    if len(found) > 1:
        names = ", ".join(f"{item['project']}/{item['name']}" for item in found)
        raise UsageError(f"Several policies name {environment}: {names}. Give --policy FILE.")
    return found[0]


def _lines(found: Verification) -> Iterator[str]:
    facts, verdict = found.verdict.facts, found.verdict
    yield f"{found.image}: {'trusted' if verdict.passed else 'NOT trusted'} in {found.environment}"
    yield f"  digest      {found.digest or 'not known'}"
    yield f"  signed by   {', '.join(facts['signed_by']) or 'nobody who counts'}"
    if provenance := facts["provenance"]:
        yield from _provenance_lines(provenance)
    if sbom := facts["sbom"]:
        yield f"  SBOM        {sbom['format']}, {sbom['packages']} packages, {_standing(sbom)}"
    yield from (f"  refused     {item.code}: {item.message}" for item in verdict.reasons)
    yield from (f"  unreadable  {problem}" for problem in found.inputs["problems"])
    yield from (f"  note        {text}" for text in facts["guarantees_lost"])


def _provenance_lines(provenance: dict[str, Any]) -> Iterator[str]:
    yield f"  provenance  SLSA {provenance.get('version', '')}, {_standing(provenance)}"
    source = provenance.get("source", {})
    yield f"    builder   {provenance.get('builder') or 'not named'}"
    yield f"    source    {source.get('repository') or 'not named'}"
    revision, ref = source.get("revision") or "not named", source.get("ref") or "branch not named"
    yield f"    revision  {revision} ({ref})"
    yield f"    materials {len(provenance.get('materials', ()))}"


def _standing(item: dict[str, Any]) -> str:
    return f"by {', '.join(item['by'])}" if item["by"] else "signed by nobody of the policy"
