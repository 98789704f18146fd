"""``buildinsights sbom``: the bill of materials that BuildKit attested of an image."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from buildkit.errors import ParseError
from buildkit.registry import Reference, Registry, RegistryError, credentials_for
from buildkit.registry.attestations import attestations
from cli.errors import UsageError
from cli.posting import posted_document
from cli.settings import Server, server
from cli.terminal import inert
from supplychain.sboms.model import Sbom
from supplychain.sboms.reading import read_sbom
from supplychain.sboms.wrapping import is_predicate_type


@dataclass(frozen=True, slots=True)
class Attested:
    """A bill as it lies in the registry, read, and the image of an index that it is of."""

    platform: str
    image_digest: str
    data: bytes
    bill: Sbom


@click.command
@click.argument("image")
@click.option("--platform", default="", help="Of one platform only, e.g. linux/amd64.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="Write it there instead of sending it; - is the terminal.",
)
@click.option("--service", default="", help="What the image is of; sent along.")
@click.option("--environment", default="", help="Where it runs; sent along.")
@click.option("--variant", default="", help="Sent along.")
def sbom(
    image: str,
    platform: str,
    output: Path | None,
    service: str,
    environment: str,
    variant: str,
) -> None:
    """Read the SBOM that BuildKit attested of IMAGE in its registry, and send it.

    Of an image for several platforms there is one for each.
    """
    found = attested(image, platform)
    if output is not None:
        _write(found, output)
        return
    for item in found:
        count = len(item.bill.packages)
        packages = f"{count} package{'' if count == 1 else 's'}"
        named = f"{item.bill.format} {item.bill.spec_version}"
        click.echo(inert(f"{item.platform or image}: {named}, {packages}"))
    to = server()
    if to is None:
        click.echo("Not sent: BUILDINSIGHTS_URL and BUILDINSIGHTS_TOKEN are not set.", err=True)
        return
    said = {"image": image, "service": service, "environment": environment, "variant": variant}
    for item in found:
        if error := post(item.data, {**said, "digest": item.image_digest}, to):
            raise UsageError(f"The SBOM of {item.platform or image} was not sent: {error}")
    click.echo("sent.")


def attested(image: str, platform: str) -> list[Attested]:
    """Return the bills of an image, one a platform.

    Raises:
        UsageError: there is none, or the registry does not give it.
    """
    try:
        reference = Reference.parse(image)
        registry = Registry(reference.host, credentials_for(reference.host))
        found = list(_first_of_each(registry, reference, platform))
    except (RegistryError, ParseError) as error:
        raise UsageError(str(error)) from error
    if not found:
        which = f" for {platform}" if platform else ""
        raise UsageError(
            f"{image} has no SBOM attestation{which}. BuildKit makes one where the image is built "
            "with --sbom=true and pushed; or send a file with buildinsights upload."
        )
    return found


def _first_of_each(registry: Registry, reference: Reference, platform: str) -> Iterator[Attested]:
    """Yield the first bill of each image: what follows it is of stages before the last."""
    seen: set[str] = set()
    for item in attestations(registry, reference, is_predicate_type):
        if item.image_digest in seen or platform not in {"", item.platform}:
            continue
        seen.add(item.image_digest)
        data = registry.config(reference, item.digest)
        yield Attested(item.platform, item.image_digest, data, read_sbom(data))


def _write(found: list[Attested], output: Path) -> None:
    if len(found) > 1:
        platforms = ", ".join(item.platform for item in found)
        raise UsageError(f"--output takes one SBOM: choose a --platform of {platforms}.")
    try:
        with click.open_file(str(output), "wb") as file:
            file.write(found[0].data)
    except OSError as error:
        raise UsageError(f"{output} was not written: {error.strerror}.") from error


def post(data: bytes, query: Mapping[str, str], to: Server) -> str:
    """Send a bill; return what went wrong, ``refused …`` if trying again is of no use."""
    return posted_document(to, "ingest/sbom/", data, query)
