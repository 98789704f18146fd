"""Why an image is not to be trusted: stable codes, each with its own sentence."""

from dataclasses import dataclass
from enum import StrEnum


class Code(StrEnum):
    """One way to fail."""

    MANIFEST_TAMPERED = "manifest-tampered"
    UNSIGNED = "unsigned"
    FOREIGN_KEY = "foreign-key"
    KEY_NOT_YET_VALID = "key-not-yet-valid"
    KEY_EXPIRED = "key-expired"
    KEY_REVOKED = "key-revoked"
    OTHER_DIGEST = "other-digest"
    TOO_FEW_SIGNATURES = "too-few-signatures"
    ATTESTATION_SWAPPED = "attestation-swapped"
    PROVENANCE_MISSING = "provenance-missing"
    PROVENANCE_UNSIGNED = "provenance-unsigned"
    PROVENANCE_UNREADABLE = "provenance-unreadable"
    BUILDER_NOT_ALLOWED = "builder-not-allowed"
    SOURCE_NOT_ALLOWED = "source-not-allowed"
    BRANCH_NOT_ALLOWED = "branch-not-allowed"
    REVISION_UNKNOWN = "revision-unknown"
    SBOM_MISSING = "sbom-missing"
    SBOM_UNSIGNED = "sbom-unsigned"


OF_SIGNATURES = frozenset(
    {
        Code.MANIFEST_TAMPERED,
        Code.UNSIGNED,
        Code.OTHER_DIGEST,
        Code.TOO_FEW_SIGNATURES,
    }
)
"""With one of these an image has no signature that counts, or not enough of them."""

OF_SIGNERS = frozenset(
    {Code.FOREIGN_KEY, Code.KEY_NOT_YET_VALID, Code.KEY_EXPIRED, Code.KEY_REVOKED}
)
"""Of who has signed the image, its provenance or its SBOM: the code does not say which."""

OF_PROVENANCE = frozenset(
    {
        Code.ATTESTATION_SWAPPED,
        Code.PROVENANCE_MISSING,
        Code.PROVENANCE_UNSIGNED,
        Code.PROVENANCE_UNREADABLE,
        Code.BUILDER_NOT_ALLOWED,
        Code.SOURCE_NOT_ALLOWED,
        Code.BRANCH_NOT_ALLOWED,
        Code.REVISION_UNKNOWN,
    }
)
"""With one of these its provenance does not count."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A failure: its code is the contract, the message is for people."""

    code: Code
    message: str


WITHOUT_LOG = (
    "Without a transparency log nobody can prove when a signature was made: a key counts at the"
    " moment of verification, and a stolen one can sign as of any day until it is revoked.",
    "Without a transparency log the use of a key leaves no trace that others can watch.",
)
"""Guarantees that are lost where signatures are in no log."""
