"""``buildinsights sign``: cosign signs an image by its digest, and attests what is known of it."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from buildkit.errors import ParseError
from buildkit.registry import (
    InvalidReferenceError,
    NotFoundError,
    Reference,
    Registry,
    RegistryError,
    credentials_for,
)
from cli.errors import NoCosignError, NoVerdictError, UsageError
from supplychain.signing.attesting import Predicate, provenance_of, sbom_of
from supplychain.signing.commands import Signer
from supplychain.signing.cosign import PASSWORD, Cosign
from supplychain.signing.errors import CosignMissingError, SigningError
from supplychain.signing.sources import Source

KEY_VARIABLE = "BUILDINSIGHTS_SIGNING_KEY"


@click.command
@click.argument("image")
@click.option("--key", default="", envvar=KEY_VARIABLE, help="File or KMS address; else keyless.")
@click.option("--provenance", is_flag=True, help="Attest the provenance that BuildKit attached.")
@click.option(
    "--sbom", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="Attest."
)
@click.option("--repository", default="", help="Source, where the builder does not know it.")
@click.option("--revision", default="", help="Its commit.")
@click.option("--ref", default="", help="Its branch or tag: refs/heads/main.")
@click.option("--log", "logged", is_flag=True, help="Put a key's signature into the public log.")
@click.option("--signing-config", default="", help="cosign's, for a Fulcio of your own.")
@click.option("--trusted-root", default="", help="cosign's, for a Fulcio of your own.")
def sign(
    image: str,
    key: str,
    sbom: Path | None,
    repository: str,
    revision: str,
    ref: str,
    signing_config: str,
    trusted_root: str,
    *,
    provenance: bool,
    logged: bool,
) -> None:
    """Sign IMAGE of a registry by its digest, which a tag is resolved to.

    The key's password is read from COSIGN_PASSWORD, or asked for in a terminal.

    Exit codes: 8 there is no cosign, 9 cosign or the registry failed.
    """
    signer = Signer(key, logged, signing_config, trusted_root)
    with failures():
        check_key(signer)
        predicates = [sbom_of(sbom.read_bytes(), str(sbom))] if sbom else []
        known = Source(repository, revision, ref)
        sign_image(
            Reference.parse(image), signer, predicates, provenance=known if provenance else None
        )


@contextmanager
def failures() -> Iterator[None]:
    """Turn what goes wrong with registries and cosign into ends of the command."""
    try:
        yield
    except (InvalidReferenceError, ParseError) as error:
        raise UsageError(str(error)) from error
    except RegistryError as error:
        raise NoVerdictError(str(error)) from error
    except SigningError as error:
        kind = NoCosignError if isinstance(error, CosignMissingError) else NoVerdictError
        raise kind(f"{error.message} ({error.code})") from error


def check_key(signer: Signer) -> None:
    """Find out before anything is built or pushed that there is nothing to sign with."""
    Cosign().version()
    is_file = signer.key and "://" not in signer.key
    if is_file and not Path(signer.key).is_file():
        raise UsageError(f"There is no key {signer.key}: cosign generate-key-pair makes one.")


def sign_image(
    reference: Reference,
    signer: Signer,
    predicates: list[Predicate],
    *,
    provenance: Source | None,
    needs_provenance: bool = True,
) -> None:
    """Sign an image and attest the predicates, and its provenance completed by what is known.

    Raises:
        UsageError: it has no provenance, but needs one.
        RegistryError, SigningError: the registry or cosign failed.
    """
    registry = Registry(reference.host, credentials_for(reference.host))
    image = registry.manifest(reference)
    tag = reference.tag if _is_tag_of(registry, reference, image.digest) else ""
    pinned = Reference(reference.host, reference.repository, tag, image.digest)
    own = provenance_of(registry, image, provenance) if provenance is not None else []
    if provenance is not None and needs_provenance and not own:
        raise UsageError(
            f"{reference} has no provenance to attest: build and push it with"
            ' --provenance=mode=max, or attest = ["type=provenance,mode=max"] in the Bake file.'
        )
    cosign = _with_password(signer)
    cosign.sign(pinned, signer)
    click.echo(f"signed {pinned.at(image.digest)}", err=True)
    for predicate in (*own, *predicates):
        cosign.attest(pinned, signer, predicate.type, predicate.data)
        click.echo(f"attested {predicate.type}", err=True)


def _is_tag_of(registry: Registry, reference: Reference, digest: str) -> bool:
    """Tell whether a tag means a digest, which may have been named beside it."""
    if not (reference.tag and reference.digest):
        return True
    try:
        return registry.manifest(reference.tagged(reference.tag)).digest == digest
    except NotFoundError:
        return False


def _with_password(signer: Signer) -> Cosign:
    """Return cosign with the key's password, which goes by the environment alone."""
    is_file = bool(signer.key) and "://" not in signer.key
    if not is_file or PASSWORD in os.environ or not sys.stdin.isatty():
        return Cosign()
    password = click.prompt(f"Password of {signer.key}", hide_input=True, default="", err=True)
    return Cosign(environment=os.environ | {PASSWORD: password})
