"""``buildinsights cache setup``: whether a registry can keep caches, and how a build uses it."""

import json
import secrets

import click

from buildkit.registry import (
    DeletesDisabledError,
    Reference,
    Registry,
    RegistryError,
    UnauthorizedError,
)
from buildkit.registry.client import digest_of
from cli import journal
from cli.cache.registries import registry_of
from cli.errors import UsageError

OCI = "application/vnd.oci.image.manifest.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"
PROBE = "buildinsights-probe"

BAKE = """\
Add to the target in the Bake file:

  cache-from = ["type=registry,ref={reference}"]
  cache-to   = ["type=registry,ref={reference},mode=max"]
"""


@click.command()
@click.argument("reference", metavar="REF")
@click.option("--dry-run", is_flag=True, help="Only log in and read: push nothing.")
def setup(reference: str, *, dry_run: bool) -> None:
    """Check that REF can be read, written and deleted as Docker logs in, and say how to use it.

    A tag of its own is pushed beside REF, and deleted. What is missing is said with its remedy.
    """
    try:
        place = Reference.parse(reference)
    except RegistryError as error:
        raise UsageError(str(error)) from error
    registry = registry_of(place.host)
    checks = ["log in and read"] if dry_run else ["log in and read", "push", "delete"]
    try:
        registry.tags(place.repository)
        deletes = True if dry_run else _probe(registry, place)
    except UnauthorizedError as error:
        journal.note("setup", reference, dry_run, "refused", {})
        raise UsageError(
            f"{error}. Log in for the user that builds: docker login {place.host}"
        ) from error
    except RegistryError as error:
        journal.note("setup", reference, dry_run, "failed", {})
        raise UsageError(str(error)) from error
    journal.note("setup", reference, dry_run, "usable", {"deletes": deletes})
    click.echo(f"{place.name}: {', '.join(checks if deletes else checks[:-1])}: yes")
    if not deletes:
        click.echo("delete: no. `cache expire` needs it; for the CNCF registry: delete.enabled.")
    click.echo(BAKE.format(reference=place))


def _probe(registry: Registry, place: Reference) -> bool:
    """Push a small manifest under a tag of its own; tell whether the registry deletes it."""
    mark = json.dumps({"probe": secrets.token_hex(8)}).encode()
    tag = place.tagged(f"{PROBE}-{secrets.token_hex(4)}")
    descriptor = {"mediaType": EMPTY, "digest": registry.put_blob(tag, mark), "size": len(mark)}
    manifest = {"schemaVersion": 2, "mediaType": OCI, "config": descriptor, "layers": [descriptor]}
    data = json.dumps(manifest).encode()
    registry.put_manifest(tag, data, OCI)
    try:
        registry.delete_manifest(tag.at(digest_of(data)))
    except DeletesDisabledError:
        return False
    return True
