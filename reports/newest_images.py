"""The newest images of a project, with what scans, policies, signers and checks said of each.

The number of queries does not grow with the number of images.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, OuterRef, Q, Subquery
from django.utils import timezone

from accounts.models import Project
from bases.standing import COUNTS
from builds.branches import branch_class
from builds.models import Build, BuildImage, Image, Service
from inspections.models import CheckResult, Inspection
from policies.models import Verdict
from sboms.models import Sbom
from security.models import Kind, Lineage, Scan
from trust.models import Verification

RECENT = timedelta(days=30)
"""Within which a service's targets, variants and environments are told apart by their builds."""

MOST_IMAGES = 500

GROUP = ("service_id", "target", "variant", "environment")


@dataclass(frozen=True, slots=True)
class NewestImage:
    """What the newest build of a service's target, variant and environment made.

    ``scan`` looked for vulnerabilities; of several platforms it is the oldest of the newest, and
    missing if one of them was not scanned. ``failing`` counts checks that fail for any of them.
    """

    build: Build
    images: tuple[Image, ...]
    scan: Scan | None = None
    verdict: Verdict | None = None
    verification: Verification | None = None
    inspection: Inspection | None = None
    failing: int = 0
    sbom: Sbom | None = None

    @property
    def service(self) -> Service:
        """Whose image it is."""
        return self.build.service

    @property
    def digest(self) -> str:
        """By which it is pulled: of its index, if it has one."""
        return self.build.image_digest

    @property
    def name(self) -> str:
        """Service, target, variant and environment in words."""
        parts = (getattr(self.build, name) for name in GROUP[1:])
        return " ".join([self.service.name, *filter(None, parts)])


def newest_images(
    project: Project, service: str | None = None, environment: str | None = None
) -> list[NewestImage]:
    """Return the newest images by name; of branches that may be in use, so not of changes."""
    builds = _builds(project, service, environment)
    images = _images(builds)
    own = [image.pk for found in images.values() for image in found]
    digests = {digest for build in builds for digest in _digests(build, images[build.pk])}
    told = _Told(
        scans=_scans(own),
        verdicts=_by_digest(_verdicts(project, digests)),
        verifications=_by_digest(_verifications(project, digests)),
        inspections=_newest_by_image(_inspections(own)),
        sboms=_newest_by_image(Sbom.objects.filter(image__in=own).order_by("image", "received_at")),
    )
    failing = _failing(told.inspections.values())
    return [told.image(build, images[build.pk], failing) for build in builds]


def _builds(project: Project, service: str | None, environment: str | None) -> list[Build]:
    rows: Any = Build.objects.filter(project=project).succeeded().exclude(image_digest="")
    rows = rows.alias(branch=branch_class()).filter(branch__in=COUNTS)
    if service:
        rows = rows.filter(service__slug=service)
    if environment:
        rows = rows.filter(environment=environment)
    found = Build.objects.filter(pk__in=_newest(project, rows)).select_related("service", "project")
    lean = found.defer("frontend_attrs", "labels", "build_args")
    return list(lean.order_by("service__name", *GROUP[1:], "pk")[:MOST_IMAGES])


def _newest(project: Project, rows: Any) -> set[int]:
    """Return the newest build of each group: of those of late, and those of which a scan is known.

    Of a service with neither it is the last one.
    """
    late = rows.filter(listed_at__gte=timezone.now() - RECENT)
    keys = set(
        late.order_by(*GROUP, "-listed_at", "-pk").distinct(*GROUP).values_list("pk", flat=True)
    )
    lineages = Lineage.objects.filter(service__project=project, branch_class__in=COUNTS)
    same = {name: OuterRef(name) for name in GROUP}
    keys |= _last(lineages, rows.filter(**same))
    return keys | _last(
        Service.objects.filter(project=project).exclude(builds__in=keys),
        rows.filter(service=OuterRef("pk")),
    )


def _last(groups: Any, builds: Any) -> set[int]:
    """Return the newest build of each of some groups."""
    last = Subquery(builds.newest_first().values("pk")[:1])
    return set(groups.annotate(last=last).values_list("last", flat=True)) - {None}


def _images(builds: Sequence[Build]) -> defaultdict[int, list[Image]]:
    """Return the images of builds, one for each platform, without the index that lists them."""
    found: defaultdict[int, list[Image]] = defaultdict(list)
    links = BuildImage.objects.filter(build__in=builds).select_related("image")
    for link in links.order_by("image__platform", "image_id"):
        if not link.image.is_index:
            found[link.build_id].append(link.image)
    return found


def _digests(build: Build, images: Iterable[Image]) -> list[str]:
    own = [text for image in images for text in (image.digest, image.config_digest)]
    return [text for text in (build.image_digest, *own) if text]


def _scans(images: Sequence[int]) -> dict[int, Scan]:
    rows = Scan.objects.filter(image__in=images, kinds__contains=[Kind.VULNERABILITY])
    return _newest_by_image(rows.select_related("project").order_by("image", "scanned_at", "pk"))


def _inspections(images: Sequence[int]) -> Any:
    rows = Inspection.objects.filter(image__in=images).select_related("project")
    return rows.defer("config").order_by("image", "inspected_at", "pk")


def _newest_by_image(rows: Iterable[Any]) -> dict[int, Any]:
    """Return the last row of each image."""
    return {row.image_id: row for row in rows}


def _verdicts(project: Project, digests: Iterable[str]) -> Any:
    rows = Verdict.objects.filter(project=project, digest__in=digests).defer("evidence")
    kept = rows.order_by("digest", "environment", "-at", "-pk").distinct("digest", "environment")
    return kept.select_related("project", "version__policy")


def _verifications(project: Project, digests: Iterable[str]) -> Any:
    rows = Verification.objects.filter(project=project, digest__in=digests)
    order = ("digest", "environment", "-verified_at", "-pk")
    return rows.order_by(*order).distinct("digest", "environment").select_related("project")


def _by_digest(rows: Iterable[Any]) -> dict[str, list[Any]]:
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.digest].append(row)
    return found


def _failing(inspections: Iterable[Inspection]) -> dict[int, int]:
    """Return how many checks fail, by inspection."""
    failed = Q(outcome=CheckResult.Outcome.FAIL, inspection__in=[row.pk for row in inspections])
    rows = CheckResult.objects.filter(failed).order_by().values_list("inspection")
    return dict(rows.annotate(Count("pk")))


@dataclass(frozen=True, slots=True)
class _Told:
    """What was said of images, by image or digest."""

    scans: dict[int, Scan]
    verdicts: dict[str, list[Verdict]]
    verifications: dict[str, list[Verification]]
    inspections: dict[int, Inspection]
    sboms: dict[int, Sbom]

    def image(self, build: Build, images: list[Image], failing: dict[int, int]) -> NewestImage:
        """Return what was said of one build's images."""
        digests = _digests(build, images)
        scans = [self.scans.get(image.pk) for image in images]
        known = [scan for scan in scans if scan]
        is_scanned = bool(known) and len(known) == len(scans)
        looks = [look for image in images if (look := self.inspections.get(image.pk))]
        bills = [bill for image in images if (bill := self.sboms.get(image.pk))]
        return NewestImage(
            build,
            tuple(images),
            scan=min(known, key=_scanned_at) if is_scanned else None,
            verdict=_of_environment(build, self.verdicts, digests, _said_at),
            verification=_of_environment(build, self.verifications, digests, _verified_at),
            inspection=max(looks, key=lambda row: failing.get(row.pk, 0)) if looks else None,
            failing=max((failing.get(row.pk, 0) for row in looks), default=0),
            sbom=bills[0] if bills else None,
        )


def _scanned_at(scan: Scan) -> datetime:
    return scan.scanned_at


def _said_at(verdict: Verdict) -> datetime:
    return verdict.confirmed_at


def _verified_at(verification: Verification) -> datetime:
    return verification.verified_at


def _of_environment(build: Build, rows: dict[str, list[Any]], digests: list[str], at: Any) -> Any:
    """Return the newest row about the build's own environment, or else about any."""
    known = [row for digest in digests for row in rows.get(digest, ())]
    own = [row for row in known if row.environment == build.environment]
    return max(own or known, key=at, default=None)
