"""What builds and scans said of bases: bytes that they bring along, and findings inherited.

A scan speaks of the image of one build; that build says which base the image has. Of each lineage
the newest scan counts, as findings follow that.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Max

from bases.models import BaseImage, BaseUse
from bases.standing import COUNTS
from security.models import Finding, Kind, Presence, Scan, Severity
from supplychain.bases.proposing import Measured


@dataclass(slots=True)
class Inherited:
    """Open vulnerabilities that came with a base, by the scans of images on it.

    ``by_severity`` counts vulnerabilities by id, each once; ``services`` have one of them or more.
    ``packages`` is of a whole scanned image, the newest one, if its report lists them. Without
    scans nothing is known.
    """

    scans: list[Scan] = field(default_factory=list)
    by_severity: Counter[Severity] = field(default_factory=Counter)
    services: set[int] = field(default_factory=set)
    packages: int | None = None

    @property
    def is_known(self) -> bool:
        """Whether an image on the base was scanned."""
        return bool(self.scans)

    @property
    def total(self) -> int | None:
        """How many different vulnerabilities; ``None`` if nothing was scanned."""
        return self.by_severity.total() if self.is_known else None


def inherited(images: Iterable[BaseImage]) -> dict[int, Inherited]:
    """Return what images on each base inherited, by the base's key."""
    found = {image.pk: Inherited() for image in images}
    bases = _bases_of_lineages(list(found))
    for scan, base in bases.values():
        one = found[base]
        one.scans.append(scan)
        one.packages = max(one.scans, key=lambda other: other.received_at).packages or None
    worst: dict[tuple[int, str], int] = {}
    rows = Presence.objects.filter(
        ended_at__isnull=True,
        lineage__in=list(bases),
        finding__state=Finding.State.OPEN,
        finding__kind=Kind.VULNERABILITY,
        finding__is_from_base=True,
    )
    for lineage, service, name, severity in rows.values_list(
        "lineage", "finding__service", "finding__name", "finding__severity"
    ):
        base = bases[lineage][1]
        found[base].services.add(service)
        worst[base, name] = max(worst.get((base, name), 0), severity)
    for (base, _), severity in worst.items():
        found[base].by_severity[Severity(severity)] += 1
    return found


def _bases_of_lineages(images: Sequence[int]) -> dict[int, tuple[Scan, int]]:
    """Return the newest scan of each lineage that is on one of the bases, and that base's key."""
    uses = BaseUse.objects.filter(image__in=images).final()
    services = uses.order_by().values("service")
    scans = Scan.objects.filter(
        lineage__service__in=services,
        lineage__branch_class__in=COUNTS,
        kinds__contains=[Kind.VULNERABILITY],
        is_late=False,
    )
    newest = scans.order_by("lineage", "-received_at", "-pk").distinct("lineage")
    by_build: defaultdict[int, list[Scan]] = defaultdict(list)
    for scan in newest.select_related("lineage", "project"):
        if scan.build_id:
            by_build[scan.build_id].append(scan)
    found: dict[int, tuple[Scan, int]] = {}
    built = uses.filter(build__in=list(by_build))
    for build, platform, image in built.values_list("build", "platform", "image"):
        for scan in by_build[build]:
            if scan.lineage and scan.lineage.platform in ("", platform):
                found[scan.lineage.pk] = (scan, image)
    return found


def measured(images: Sequence[BaseImage], findings: Mapping[int, Inherited]) -> dict[int, Measured]:
    """Return what is known of each base, by its key; of several platforms the largest stands."""
    uses = BaseUse.objects.filter(image__in=images, size_bytes__isnull=False).final().order_by()
    sizes: dict[int, Any] = {
        key: (size, builds)
        for key, size, builds in uses.values_list("image").annotate(
            Max("size_bytes"), Count("build", distinct=True)
        )
    }
    return {
        image.pk: Measured(
            image.reference,
            *_size(sizes.get(image.pk), findings[image.pk]),
        )
        for image in images
    }


def _size(
    size: tuple[int, int] | None, findings: Inherited
) -> tuple[int | None, int | None, int, int]:
    found, builds = size or (None, 0)
    return found, findings.total, builds, len(findings.scans)
