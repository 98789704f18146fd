"""All that is known of an image, gathered for a policy to judge."""

from policies.images import Subject
from policies.scans import scans_of
from supplychain.gate.evidence import Evidence


def evidence_of(subject: Subject) -> Evidence:
    """Gather what builds, scans and others told of a subject's images."""
    scans = scans_of(subject)
    return Evidence(
        digest=subject.digest,
        scans=scans.scans,
        findings=scans.findings,
        unscanned=scans.unscanned,
        size_bytes=_size(subject),
    )


def _size(subject: Subject) -> int | None:
    """Return the size of the largest image: what a platform pulls."""
    sizes = [image.size_bytes for image in subject.images]
    known = [size for size in sizes if size is not None]
    return max(known) if known and len(known) == len(sizes) else None
