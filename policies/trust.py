"""What the newest verification of an image says."""

from policies.images import Subject
from supplychain.gate.evidence import Trust
from supplychain.trust.reasons import OF_PROVENANCE, OF_SIGNATURES
from trust.models import Verification


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
        is_signed=bool(newest.facts.get("signed_by")) and not codes & OF_SIGNATURES,
        has_provenance=provenance.get("standing") == "counts" and not codes & OF_PROVENANCE,
        reasons=tuple(f"{reason['code']}: {reason['message']}" for reason in newest.reasons),
    )
