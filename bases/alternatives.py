"""What could take a base's place: what was measured here, and what is known and was not."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db.models import Q

from bases.drift import drifts_of
from bases.measuring import Inherited, inherited, measured
from bases.models import BaseImage, BaseUse
from supplychain.bases.candidates import candidates_for, variants_in
from supplychain.bases.names import describe, is_official
from supplychain.bases.proposing import Expected, Measured, expected, in_order

MOST = 20
"""Other bases that are held against one, those seen last."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another base with the difference that it would make.

    ``image`` is the one that was measured here; of one that was not, ``remark`` says what to look
    out for.
    """

    name: str
    family: str
    is_official: bool
    gain: Expected
    measured: Measured | None = None
    image: BaseImage | None = None
    packages: int | None = None
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Compared:
    """A base with what else there is, and what was measured of each, by key."""

    own: Measured
    findings: Inherited
    others: Sequence[Measured]
    rows: list[Alternative] = field(default_factory=list)


def compared(image: BaseImage) -> Compared:
    """Return a base with its alternatives, distroless and alpine first."""
    others = _others(image)
    findings = inherited([image, *others])
    numbers = measured([image, *others], findings)
    own = numbers[image.pk]
    by_reference = {numbers[other.pk].reference: other for other in others}
    known = in_order(numbers[other.pk] for other in others)
    rows = [
        _measured(own, one, by_reference[one.reference], findings[by_reference[one.reference].pk])
        for one in known
    ]
    return Compared(own, findings[image.pk], known, [*_unmeasured(image, known), *rows])


def _others(image: BaseImage) -> list[BaseImage]:
    """Return bases of final images with the same runtime, or of no runtime with a distribution.

    Of its own tag there is the newest digest alone: nobody should go back to an earlier one.
    """
    used = BaseUse.objects.final().order_by().values("image")
    rows = BaseImage.objects.filter(project=image.project_id, pk__in=used).exclude(pk=image.pk)
    rows = rows.filter(repository__runtime=image.repository.runtime)
    newest = drifts_of([image])[image.pk].newest
    rows = rows.exclude(~Q(digest=newest), repository=image.repository_id, tag=image.tag)
    if not image.repository.runtime:
        rows = rows.exclude(family="") if image.family else rows.none()
    return list(rows.told().order_by("-last_seen_at", "-pk")[:MOST])


def _measured(own: Measured, one: Measured, image: BaseImage, findings: Inherited) -> Alternative:
    return Alternative(
        str(one.reference),
        image.family,
        image.is_official,
        expected(own, one),
        one,
        image,
        findings.packages,
    )


def _unmeasured(image: BaseImage, known: Sequence[Measured]) -> list[Alternative]:
    names = {(one.reference.name, one.reference.tag) for one in known}
    reference = image.reference
    candidates = [*candidates_for(reference), *variants_in(reference, image.repository.tags)]
    return [
        Alternative(
            str(one.reference),
            describe(one.reference).family,
            is_official(one.reference),
            Expected(),
            remark=one.remark,
        )
        for one in candidates
        if (one.reference.name, one.reference.tag) not in names
    ]
