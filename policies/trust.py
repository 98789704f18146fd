"""What the newest verification of an image says."""

from policies.images import Subject
from supplychain.gate.evidence import Trust
from supplychain.trust.reasons import Code
from trust.models import Verification

UNSIGNED = frozenset(
    {
        Code.MANIFEST_TAMPERED,
        Code.UNSIGNED,
        Code.FOREIGN_KEY,
        Code.KEY_NOT_YET_VALID,
        Code.KEY_EXPIRED,
        Code.KEY_REVOKED,
        Code.OTHER_DIGEST,
        Code.TOO_FEW_SIGNATURES,
    }
)
"""Reasons for which an image has no signature that counts."""

UNPROVEN = frozenset(
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
"""Reasons for which its provenance does not count."""


def trust_of(subject: Subject, environment: str) -> Trust | None:
    """Return what was verified of a digest, last and for that environment if one is named."""
    rows = Verification.objects.filter(project=subject.project, digest=subject.digest)
    if environment:
        rows = rows.filter(environment=environment)
    newest = rows.order_by("-verified_at", "-pk").first()
    if newest is None:
        return None
    codes = {reason["code"] for reason in newest.reasons}
    provenance = newest.facts.get("provenance") or {}
    return Trust(
        at=newest.verified_at,
        is_signed=bool(newest.facts.get("signed_by")) and not codes & UNSIGNED,
        has_provenance=provenance.get("standing") == "counts" and not codes & UNPROVEN,
        reasons=tuple(f"{reason['code']}: {reason['message']}" for reason in newest.reasons),
    )
