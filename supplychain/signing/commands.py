"""The words that call cosign: argument lists, with every value bound to its option."""

from dataclasses import dataclass
from pathlib import Path

from buildkit.registry import Reference
from buildkit.registry.transport import is_local

UNLOGGED = ("--use-signing-config=false", "--tlog-upload=false")
"""Nothing is sent to the public transparency log, which lists the names of what is signed."""


TAG_ANNOTATION = "buildinsights.tag"
"""By which a tag is known to have been another image when it was signed."""


@dataclass(frozen=True, slots=True)
class Signer:
    """With what to sign: a key by its file or KMS address, or else the identity of a CI job.

    Without a key, ``signing_config`` and ``trusted_root`` name the Fulcio and log that are not
    the public ones. A key's signature goes to a log only if ``logged``.
    """

    key: str = ""
    logged: bool = False
    signing_config: str = ""
    trusted_root: str = ""


@dataclass(frozen=True, slots=True)
class Verifier:
    """With what to check: a public key by its file or KMS address, or else an identity."""

    key: str = ""
    identity: str = ""
    issuer: str = ""
    logged: bool = False
    trusted_root: str = ""


def sign(reference: Reference, signer: Signer) -> list[str]:
    """Return the arguments that sign an image; its tag is noted in what is signed."""
    tag = (f"--annotations={TAG_ANNOTATION}={reference.tag}",) if reference.tag else ()
    return ["sign", *_signer(signer), *tag, *_registry(reference), _image(reference)]


def attest(reference: Reference, signer: Signer, predicate_type: str, predicate: Path) -> list[str]:
    """Return the arguments that attest a predicate to an image.

    The type is always a URI: under cosign's short names it keeps only the fields that it knows.
    """
    return [
        "attest",
        *_signer(signer),
        f"--type={predicate_type}",
        f"--predicate={predicate}",
        *_registry(reference),
        _image(reference),
    ]


def verify_envelope(bundle: Path, predicate_type: str, verifier: Verifier) -> list[str]:
    """Return the arguments that check the signature of an envelope, whatever it says."""
    return [
        "verify-blob-attestation",
        f"--bundle={bundle}",
        "--check-claims=false",
        f"--type={predicate_type}",
        *_verifier(verifier),
    ]


def verify_payload(bundle: Path, payload: Path, verifier: Verifier) -> list[str]:
    """Return the arguments that check the signature of plain bytes."""
    return ["verify-blob", f"--bundle={bundle}", *_verifier(verifier), str(payload)]


def _signer(signer: Signer) -> list[str]:
    own = [
        *([f"--key={signer.key}"] if signer.key else ()),
        *([f"--signing-config={signer.signing_config}"] if signer.signing_config else ()),
        *([f"--trusted-root={signer.trusted_root}"] if signer.trusted_root else ()),
    ]
    return [*own, *(UNLOGGED if signer.key and not signer.logged else ()), "--yes"]


def _verifier(verifier: Verifier) -> list[str]:
    who = (
        [f"--key={verifier.key}"]
        if verifier.key
        else [
            f"--certificate-identity={verifier.identity}",
            f"--certificate-oidc-issuer={verifier.issuer}",
        ]
    )
    if verifier.trusted_root:
        who.append(f"--trusted-root={verifier.trusted_root}")
    # The certificate of an identity is only good for minutes: only the log proves that it was.
    without_log = bool(verifier.key) and not verifier.logged
    return [*who, *(["--insecure-ignore-tlog=true"] if without_log else [])]


def _registry(reference: Reference) -> list[str]:
    return ["--allow-insecure-registry"] if is_local(reference.host) else []


def _image(reference: Reference) -> str:
    if not reference.digest:
        raise ValueError(f"{reference} has no digest: a tag may mean another image meanwhile")
    return str(reference.at(reference.digest))
