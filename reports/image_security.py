"""One image: layers and what was found in each, packages, verdicts, signatures and its base."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.urls import reverse

from bases.lines import lines_of
from bases.models import BaseImage, BaseUse
from builds.layerview import LayerRow, rows_of
from builds.models import Build, Image, Step
from deployments.models import Deployment
from deployments.pages import line_of as deployment_line
from inspections.checks_page import failure_of
from inspections.inspection_page import facts_of
from inspections.models import CheckResult, Inspection
from policies.models import Verdict
from policies.pages import line_of as verdict_line
from reports.provenance_drawing import drawing_of
from reports.provenance_graph import Known, bases_of, graph_of
from sboms.models import Sbom
from sboms.pages import licences_of
from security.models import Finding, Kind, Presence, Scan, Severity
from security.pages import line_of as finding_line
from security.severities import badge_of, word_of
from trust.models import Verification
from trust.pages import line_of as verification_line
from trust.verification_page import provenance_of

MOST_FINDINGS, MOST_VERDICTS, MOST_VERIFICATIONS, MOST_SBOMS = 50, 8, 8, 20
MOST_DEPLOYMENTS = 8


def image_security_page(image: Image) -> dict[str, Any]:
    """Return the context."""
    builds = Build.objects.filter(image_links__image=image).select_related("project", "service")
    build = builds.newest_first().first()
    digests = [text for text in (image.digest, image.config_digest) if text]
    if build is not None and build.image_digest not in ("", image.digest):
        digests.append(build.image_digest)
    sboms = _sboms(image, build)
    return {
        "image": image,
        "build": build,
        "crumbs": _crumbs(image),
        "siblings": _siblings(image, build),
        **_scanned(image, build),
        **_inspected(image),
        **_packages(sboms),
        **_judged(image, build, digests, sboms),
        "deployments": _deployments(image),
        "bases": _bases(image, build),
    }


def _crumbs(image: Image) -> list[dict[str, str]]:
    slug = image.project.slug
    address = reverse("sizes:image", args=[slug, image.digest])
    return [
        {"label": "Images", "href": reverse("sizes:images", args=[slug])},
        {"label": image.digest.removeprefix("sha256:")[:12], "href": address},
    ]


def _siblings(image: Image, build: Build | None) -> list[Image]:
    """Return the images that an index stands for."""
    if not image.is_index or build is None:
        return []
    images: Any = build.images
    return list(images.without_indexes().order_by("platform", "pk"))


def _scanned(image: Image, build: Build | None) -> dict[str, Any]:
    """Return the newest scan with what it found, in all and layer by layer."""
    scans = Scan.objects.filter(image=image, kinds__contains=[Kind.VULNERABILITY])
    scan = scans.select_related("project", "lineage").order_by("-scanned_at", "-pk").first()
    there = presences_of(scan)
    layers = list(image.layers.order_by("position"))
    steps = list(Step.objects.of(build)) if build else []
    counted = _by_layer(there)
    findings = Finding.objects.filter(pk__in=there.values("finding")).told()
    own = {digest for layer in layers for digest in (layer.digest, layer.diff_id) if digest}
    return {
        "scan": scan,
        "counts": _severities(sum(counted.values(), Counter())),
        "layers": [
            {
                "row": part.row,
                "origin": _origin(part.row),
                "severities": _severities(sum((counted[key] for key in part.digests), Counter())),
            }
            for part in _parts(layers, rows_of(layers, steps))
        ],
        "elsewhere": _severities(
            sum((count for key, count in counted.items() if key not in own), Counter())
        ),
        "findings": [finding_line(row) for row in findings.order_by(*WORST)[:MOST_FINDINGS]],
        "found": there.count(),
    }


WORST = ("-severity", "-first_seen_at", "-pk")


def presences_of(scan: Scan | None) -> Any:
    """Return what a scan left as being in its image; none of one that has changed nothing."""
    if scan is None or scan.lineage_id is None or scan.is_late:
        return Presence.objects.none()
    still = Q(ended_at=None) | Q(ended_at__gt=scan.received_at)
    return Presence.objects.filter(
        still, lineage=scan.lineage_id, since__received_at__lte=scan.received_at
    )


def _by_layer(there: Any) -> defaultdict[str, Counter[int]]:
    counted: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for layer, severity in there.values_list("layer", "finding__severity"):
        counted[layer][severity] += 1
    return counted


@dataclass(frozen=True, slots=True)
class _Part:
    """What one instruction added, with all digests by which reports may name its layers."""

    row: LayerRow
    digests: tuple[str, ...]


def _parts(layers: Sequence[Any], rows: Sequence[LayerRow]) -> list[_Part]:
    """Pair rows with their layers: the lowest ones may be in one row, that of the base."""
    parts, at = [], 0
    for row in rows:
        own = layers[at : at + row.layers]
        at += row.layers
        names = {name for layer in own for name in (layer.digest, layer.diff_id) if name}
        parts.append(_Part(row, tuple(sorted(names))))
    return parts


def _origin(row: LayerRow) -> str:
    if not row.instruction:
        return ""
    return "Base image" if row.base else "Ours"


def _severities(counts: Mapping[int, int]) -> list[dict[str, Any]]:
    return [
        {
            "label": word_of(severity),
            "badge": badge_of(severity),
            "count": counts[severity],
        }
        for severity in reversed(Severity)
        if counts.get(severity)
    ]


def _inspected(image: Image) -> dict[str, Any]:
    looks = Inspection.objects.filter(image=image).select_related("project")
    inspection = looks.order_by("-inspected_at", "-pk").first()
    if inspection is None:
        return {"inspection": None, "facts": [], "failures": []}
    failed = inspection.results.filter(outcome=CheckResult.Outcome.FAIL)
    related = failed.select_related("since__build__project").order_by("-severity", "check_id")
    return {
        "inspection": inspection,
        "facts": [(name, text) for name, text in facts_of(inspection) if text],
        "failures": [failure_of(inspection, result) for result in related],
    }


def _sboms(image: Image, build: Build | None) -> list[Sbom]:
    """Return the newest bills of an image; those of an index are of the images in it."""
    own = {"build": build} if image.is_index and build else {"image": image}
    bills = Sbom.objects.filter(**own).select_related("project")
    return list(bills.order_by("-received_at", "-pk")[:MOST_SBOMS])


def _packages(sboms: Sequence[Sbom]) -> dict[str, Any]:
    """Return the newest of the surest bills."""
    sbom = max(sboms, key=lambda bill: bill.standing, default=None)
    return {"sbom": sbom, "licences": licences_of(sbom) if sbom else []}


def _judged(
    image: Image, build: Build | None, digests: Sequence[str], sboms: Sequence[Sbom]
) -> dict[str, Any]:
    """Return verdicts and verifications, and the newest provenance among these with its graph."""
    said = Verdict.objects.filter(project=image.project_id, digest__in=digests).told()
    rows = Verification.objects.filter(project=image.project_id, digest__in=digests).told()
    verdicts, verifications = list(said[:MOST_VERDICTS]), list(rows[:MOST_VERIFICATIONS])
    lines = {
        "verdicts": [verdict_line(verdict) for verdict in verdicts],
        "verifications": [verification_line(verification) for verification in verifications],
    }
    for row in verifications:
        provenance = provenance_of(row)
        if provenance["chain"]:
            bases = bases_of(image.project_id, provenance["said"])
            known = Known(image, build, row, verifications, verdicts, sboms, bases)
            return lines | {"provenance": provenance, "graph": drawing_of(graph_of(known))}
    return lines | {"provenance": None, "graph": None}


def _deployments(image: Image) -> list[dict[str, Any]]:
    rows = Deployment.objects.of_images([image]).told()
    return [deployment_line(row) for row in rows[:MOST_DEPLOYMENTS]]


def _bases(image: Image, build: Build | None) -> list[Any]:
    """Return the bases of which the image has the layers."""
    if build is None:
        return []
    uses = BaseUse.objects.filter(build=build).final()
    if image.platform:
        uses = uses.filter(platform__in=["", image.platform])
    return lines_of(list(BaseImage.objects.filter(pk__in=uses.values("image")).told()))
