"""``buildinsights cache setup``: whether a registry can keep caches, and how a build uses it."""

import click

from buildkit.caching.probing import BAKE, look, probe
from buildkit.registry import Reference, RegistryError, UnauthorizedError
from cli import journal
from cli.cache.registries import registry_of
from cli.errors import UsageError


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
    try:
        access = (look if dry_run else probe)(registry, place)
    except UnauthorizedError as error:
        journal.note("setup", reference, dry_run, "refused", {})
        raise UsageError(
            f"{error}. Log in for the user that builds: docker login {place.host}"
        ) from error
    except RegistryError as error:
        journal.note("setup", reference, dry_run, "failed", {})
        raise UsageError(str(error)) from error
    journal.note("setup", reference, dry_run, "usable", {"deletes": access.deletes is not False})
    click.echo(access)
    if access.deletes is False:
        click.echo("delete: no. `cache expire` needs it; for the CNCF registry: delete.enabled.")
    click.echo("Add to the target in the Bake file:\n")
    for line in BAKE.format(reference=place).splitlines():
        click.echo(f"  {line}")
