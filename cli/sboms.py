"""``buildinsights sbom``: the bills of materials that lie beside an image in its registry."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import click

from buildkit.registry import Reference, Registry, RegistryError, credentials_for
from cli.errors import UsageError
from cli.posting import posted_document
from cli.settings import Server, server
from cli.signing import failures
from cli.terminal import inert, told
from supplychain.signing.bills import Bill, Bills, Keys, Place, Signature, bills_of
from supplychain.signing.commands import Verifier

PLACES = {
    Place.INDEX.value: "image index",
    Place.TAG.value: "attestation tag",
    Place.REFERRER.value: "referrer",
}
SIGNATURES = {
    Signature.UNSIGNED: "not signed",
    Signature.UNCHECKED: "signed, not checked",
    Signature.FOREIGN: "signed by none of the keys",
    Signature.VERIFIED: "verified",
}


@click.command
@click.argument("image")
@click.option("--platform", default="", help="Of one platform only, e.g. linux/amd64.")
@click.option("--from", "place", type=click.Choice([*PLACES]), help="Of one place only.")
@click.option("--key", "keys", multiple=True, help="Public key to check with: file or KMS address.")
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
    place: str | None,
    keys: tuple[str, ...],
    output: Path | None,
    service: str,
    environment: str,
    variant: str,
) -> None:
    """Read the SBOMs of IMAGE in its registry, and send them.

    They are those that BuildKit attested in the image's index, that cosign attested under a tag,
    and that refer to the image. Of an image for several platforms there may be some for each.

    Exit codes: 8 there is no cosign to check with, 9 cosign failed.
    """
    with failures():
        found = attached(image, platform, keys)
    bills = [item for item in found.found if place in {None, item.place}]
    _say_refused(found.refused)
    if not bills:
        raise UsageError(_missing(image, platform, place))
    if output is not None:
        _write(bills, output)
        return
    click.echo(told(line_of(image, item) for item in bills))
    to = server()
    if to is None:
        click.echo("Not sent: BUILDINSIGHTS_URL and BUILDINSIGHTS_TOKEN are not set.", err=True)
        return
    said = {"image": image, "service": service, "environment": environment, "variant": variant}
    for item in bills:
        if error := post(item.data, said | _known(item), to):
            raise UsageError(f"The SBOM of {item.platform or image} was not sent: {error}")
    click.echo("sent.")


def attached(image: str, platform: str = "", keys: Collection[str] = ()) -> Bills:
    """Return the bills of an image, their signatures checked with keys.

    Raises:
        UsageError: the registry does not give it.
        SigningError: there is no cosign, or a key cannot be had.
    """
    verifiers = {_key_name(key, keys): Verifier(key=key) for key in keys}
    try:
        reference = Reference.parse(image)
        registry = Registry(reference.host, credentials_for(reference.host))
        return bills_of(registry, reference, Keys(verifiers), platform)
    except RegistryError as error:
        raise UsageError(str(error)) from error


def _key_name(key: str, keys: Collection[str]) -> str:
    """Return by which name a key is told: the file's, unless that would be of two."""
    name = key if "://" in key else Path(key).name
    is_alone = sum(Path(other).name == name for other in keys) < 2
    return name if is_alone else key


def line_of(image: str, bill: Bill) -> str:
    """Return what is said of a bill."""
    count = len(bill.read.packages)
    by = f" by {', '.join(bill.signed_by)}" if bill.signed_by else ""
    return (
        f"{bill.platform or image}: {bill.read.format} {bill.read.spec_version},"
        f" {count} package{'' if count == 1 else 's'};"
        f" {PLACES[bill.place]}, {SIGNATURES[bill.signature]}{by}"
    )


def _say_refused(refused: Iterable[str]) -> None:
    for text in refused:
        click.echo(inert(f"refused: {text}"), err=True)


def _missing(image: str, platform: str, place: str | None) -> str:
    which = f" for {platform}" if platform else ""
    where = f" as {PLACES[place]}" if place else ""
    return (
        f"{image} has no SBOM{which}{where} that can be read. BuildKit attests one where the image"
        " is built with --sbom=true and pushed, buildinsights sign --sbom FILE attests a file;"
        " or send a file with buildinsights upload."
    )


def _known(bill: Bill) -> dict[str, str]:
    """Return what the server is told of a bill beside what it says itself."""
    return {
        "digest": bill.image_digest,
        "source": bill.place.value,
        "signature": bill.signature.value,
        "signed_by": ",".join(bill.signed_by),
    }


def _write(bills: list[Bill], output: Path) -> None:
    if len(bills) > 1:
        platforms = dict.fromkeys(bill.platform or "the whole image" for bill in bills)
        places = dict.fromkeys(bill.place.value for bill in bills)
        raise UsageError(
            f"--output takes one SBOM, and there are {len(bills)}: choose a --platform of"
            f" {', '.join(platforms)}, and where they come --from: {', '.join(places)}."
        )
    try:
        with click.open_file(str(output), "wb") as file:
            file.write(bills[0].data)
    except OSError as error:
        raise UsageError(f"{output} was not written: {error.strerror}.") from error


def post(data: bytes, query: Mapping[str, str], to: Server) -> str:
    """Send a bill; return what went wrong, ``refused …`` if trying again is of no use."""
    return posted_document(to, "ingest/sbom/", data, query)
