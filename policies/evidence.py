"""All that is known of an image, gathered for a policy to judge."""

from bases.models import BaseUse
from inspections.models import CheckResult, Inspection
from policies.images import Subject
from policies.scans import scans_of
from policies.trust import trust_of
from supplychain.gate.evidence import Base, Configuration, Evidence

Outcome = CheckResult.Outcome


def evidence_of(subject: Subject, environment: str = "") -> Evidence:
    """Gather what builds, scans, inspections and verifications told of a subject's images.

    Without an environment, waivers count that hold where its build was for.
    """
    where = environment or (subject.build.environment if subject.build else "")
    scans = scans_of(subject, where)
    return Evidence(
        digest=subject.digest,
        scans=scans.scans,
        findings=scans.findings,
        unscanned=scans.unscanned,
        bases=_bases(subject),
        configuration=_configuration(subject),
        size_bytes=_size(subject),
        trust=trust_of(subject, environment),
    )


def _size(subject: Subject) -> int | None:
    """Return the size of the largest image: what a platform pulls."""
    sizes = [image.size_bytes for image in subject.images]
    known = [size for size in sizes if size is not None]
    return max(known) if known and len(known) == len(sizes) else None


def _bases(subject: Subject) -> tuple[Base, ...] | None:
    """Return the bases of the final stage; ``None`` if its build does not tell them apart."""
    if subject.build is None:
        return None
    uses = list(BaseUse.objects.filter(build=subject.build).select_related("image__repository"))
    if not uses or any(use.role == BaseUse.Role.UNKNOWN for use in uses):
        return None
    final = {use.image_id: use for use in uses if use.role == BaseUse.Role.FINAL}
    return tuple(
        Base(
            repository=str(use.image.repository),
            tag=use.image.tag,
            digest=use.image.digest,
            is_pinned=use.is_pinned,
            created_at=use.image.created_at,
        )
        for use in sorted(final.values(), key=lambda use: use.image_id)
    )


def _configuration(subject: Subject) -> Configuration | None:
    """Return what inspections say: of several platforms each has one, and the worst counts.

    One that could not read all of the image fails what it saw, and passes nothing else.
    """
    found = [_inspection(subject, image.pk) for image in subject.images]
    newest = [item for item in found if item is not None]
    if not newest or len(newest) < len(found):
        return None
    results = [result for item in newest for result in item.results.all()]
    failed = {result.check_id for result in results if result.outcome == Outcome.FAIL}
    unknown = {result.check_id for result in results if result.outcome == Outcome.UNKNOWN}
    looked = [{result.check_id for result in item.results.all()} for item in newest]
    kept = set.intersection(*looked) - failed - unknown
    uids = [item.config.get("uid") for item in newest]
    return Configuration(
        user=str(newest[0].config.get("user") or ""),
        is_root=True if 0 in uids else None if None in uids else False,
        labels=_common([item.config.get("labels") or {} for item in newest]),
        failed_checks=tuple(sorted(failed)),
        passed_checks=tuple(sorted(kept)),
    )


def _inspection(subject: Subject, image: int) -> Inspection | None:
    own = Inspection.objects.filter(project=subject.project, image=image)
    return own.prefetch_related("results").order_by("-inspected_at", "-pk").first()


def _common(labels: list[dict[str, str]]) -> dict[str, str]:
    """Return the labels that all platforms have."""
    return {
        name: value
        for name, value in labels[0].items()
        if all(other.get(name) for other in labels[1:])
    }
