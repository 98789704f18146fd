"""What is known of an image: who built it, from what, and what was said about it, and when."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any

from django.db.models import Prefetch, Q
from django.utils import timezone

from audit.models import AuditEvent
from audit.services import chain_name
from builds.models import Build, Image, Material
from deployments.models import Deployment
from ingest.models import IngestPayload, PayloadBuild, PayloadSbom, PayloadScan
from inspections.models import CheckResult, Inspection
from policies.models import Verdict
from policies.serializers import label_of
from sboms.models import Sbom
from security.models import Scan
from trust.models import Verification
from trust.shown import shown

MOST = 50
"""Rows of a kind, the newest first; what is left off is counted."""

MOST_PARTS = 500
"""Materials, arguments and waivers, of all those rows together, the newest first: one provenance
may list any number."""


@dataclass(frozen=True, slots=True)
class Dossier:
    """Rows are plain values that JSON can hold; times are ISO 8601 in UTC."""

    project: str
    digest: str
    names: list[str]
    platform: str
    config_digest: str
    is_index: bool
    listed_images: list[str]
    made_at: str
    made_by: str
    builds: list[dict[str, Any]]
    verifications: list[dict[str, Any]]
    scans: list[dict[str, Any]]
    sboms: list[dict[str, Any]]
    inspections: list[dict[str, Any]]
    verdicts: list[dict[str, Any]]
    deployments: list[dict[str, Any]]
    documents: list[dict[str, Any]]
    events: list[dict[str, Any]] | None
    """Of the audit trail; ``None`` if whoever asks may not see that."""
    left_off: dict[str, int] = field(default_factory=dict)


def collect(image: Image, *, made_by: str, with_trail: bool) -> Dossier:
    """Return the dossier of an image; of an index with what is known of its images, too."""
    images = [image, *_listed(image)]
    digests = sorted({text for one in images for text in (one.digest, one.config_digest) if text})
    project = image.project
    rows = _Rows()
    made_it = Build.objects.filter(image_links__image=image).newest_first()
    builds = rows.take("builds", made_it.select_related("service"))
    verifications = rows.take(
        "verifications",
        Verification.objects.filter(project=project, digest__in=digests).told(),
    )
    scans = rows.take("scans", Scan.objects.filter(image__in=images).order_by("-scanned_at", "-pk"))
    sboms = rows.take("sboms", Sbom.objects.filter(image__in=images).order_by("-received_at"))
    looks = Inspection.objects.filter(image__in=images).order_by("-inspected_at")
    inspections = rows.take("inspections", looks.prefetch_related(_failing()))
    verdicts = rows.take(
        "verdicts", Verdict.objects.filter(project=project, digest__in=digests).told()
    )
    deployments = rows.take("deployments", Deployment.objects.of_images(images).told())
    payloads = rows.take("documents", payloads_of(builds, scans, sboms))
    told = (builds, verifications, scans, sboms, inspections, verdicts, deployments, payloads)
    events = rows.take("events", _events(image, chain(*told))) if with_trail else None
    return Dossier(
        project=project.name,
        digest=image.digest,
        names=list(image.names),
        platform=image.platform,
        config_digest=image.config_digest,
        is_index=image.is_index,
        listed_images=[one.digest for one in images[1:]],
        made_at=_iso(timezone.now()) or "",
        made_by=made_by,
        builds=_builds(builds, rows),
        verifications=[_verification(row) for row in verifications],
        scans=[_scan(row) for row in scans],
        sboms=[_sbom(row) for row in sboms],
        inspections=[_inspection(row) for row in inspections],
        verdicts=_verdicts(verdicts, rows),
        deployments=[_deployment(row) for row in deployments],
        documents=[_document(row) for row in payloads],
        events=None if events is None else [_event(row) for row in events],
        left_off=rows.left_off,
    )


class _Rows:
    """Takes rows up to a limit, and counts what is left."""

    def __init__(self) -> None:
        self.left_off: dict[str, int] = {}

    def take(self, name: str, rows: Any, most: int = MOST) -> list[Any]:
        found = list(rows[: most + 1])
        if len(found) > most:
            self.left_off[name] = rows.count() - most
        return found[:most]

    def take_parts[T](self, name: str, lists: Iterable[Iterable[T]]) -> list[list[T]]:
        """Take what rows hold, the first row's first."""
        taken: list[list[T]] = []
        room, left_off = MOST_PARTS, 0
        for parts in map(list, lists):
            taken.append(parts[:room])
            left_off += len(parts) - len(taken[-1])
            room -= len(taken[-1])
        if left_off:
            self.left_off[name] = left_off
        return taken


def _listed(image: Image) -> list[Image]:
    if not image.is_index:
        return []
    build = Build.objects.filter(image_links__image=image).newest_first().first()
    if build is None:
        return []
    others: Any = build.images
    return list(others.without_indexes().order_by("platform", "pk"))


def payloads_of(builds: Iterable[Build], scans: Iterable[Scan], sboms: Iterable[Sbom]) -> Any:
    """Return what was sent of builds, scans and bills, without the bytes, the newest first."""
    links = (
        PayloadBuild.objects.filter(build__in=list(builds)),
        PayloadScan.objects.filter(scan__in=list(scans)),
        PayloadSbom.objects.filter(sbom__in=list(sboms)),
    )
    told = Q()
    for rows in links:
        told |= Q(pk__in=rows.values("payload"))
    found = IngestPayload.objects.without_body().filter(told)
    return found.select_related("token", "user").order_by("-received_at", "-pk")


def _events(image: Image, subjects: Iterable[Any]) -> Any:
    ids = [str(subject.public_id) for subject in subjects]
    events = AuditEvent.objects.filter(chain=chain_name(image.project), target_id__in=ids)
    return events.order_by("-sequence")


def _builds(builds: Sequence[Build], rows: _Rows) -> list[dict[str, Any]]:
    listed = Material.objects.filter(build__in=builds)
    newest = listed.order_by("-build__listed_at", "-build_id", "uri", "pk")
    materials: defaultdict[int, list[Material]] = defaultdict(list)
    for item in rows.take("materials", newest, MOST_PARTS):
        materials[item.build_id].append(item)
    arguments = rows.take_parts("arguments", (build.build_args.items() for build in builds))
    return [
        _build(build, materials[build.pk], dict(given))
        for build, given in zip(builds, arguments, strict=True)
    ]


def _build(
    build: Build, materials: Iterable[Material], arguments: dict[str, str]
) -> dict[str, Any]:
    return {
        "id": str(build.public_id),
        "service": build.service.name,
        "status": build.status,
        "author": build.author,
        "trigger": build.trigger,
        "repository": build.repository_url,
        "ref": build.ref_name,
        "revision": build.revision,
        "change": build.change_id,
        "pipeline": build.pipeline_name,
        "pipeline_run": build.pipeline_run_id,
        "builder": build.builder,
        "builder_platform": build.builder_platform,
        "frontend": build.frontend,
        "target": build.target,
        "variant": build.variant,
        "environment": build.environment,
        "arguments": arguments,
        "started_at": _iso(build.started_at),
        "completed_at": _iso(build.completed_at),
        "has_provenance": build.has_provenance,
        "materials": [{"uri": item.uri, "digest": item.digest} for item in materials],
    }


def _verification(row: Verification) -> dict[str, Any]:
    said = shown(row)
    version = row.policy_version
    return {
        "id": str(row.public_id),
        "image": row.image_name,
        "digest": row.digest,
        "passed": row.passed,
        "environment": row.environment,
        "policy": str(version) if version else said.policy_digest,
        "signed_by": said.signed_by,
        "reasons": said.reasons,
        "provenance": said.provenance,
        "reported_by": row.reported_by,
        "verified_at": _iso(row.verified_at),
    }


def _scan(scan: Scan) -> dict[str, Any]:
    return {
        "id": str(scan.public_id),
        "scanner": scan.scanner,
        "version": scan.scanner_version,
        "database_updated_at": _iso(scan.database_updated_at),
        "looked_for": list(scan.kinds),
        "counts": scan.counts,
        "narrowed_by": scan.narrowed_by,
        "scanned_at": _iso(scan.scanned_at),
    }


def _sbom(sbom: Sbom) -> dict[str, Any]:
    return {
        "id": str(sbom.public_id),
        "format": f"{sbom.format} {sbom.spec_version}".strip(),
        "packages": sbom.package_count,
        "sha256": sbom.sha256,
        "created_at": _iso(sbom.created_at),
        "received_at": _iso(sbom.received_at),
    }


def _failing() -> "Prefetch[str]":
    failing = CheckResult.objects.filter(outcome=CheckResult.Outcome.FAIL)
    return Prefetch("results", failing.order_by("check_id"))


def _inspection(row: Inspection) -> dict[str, Any]:
    return {
        "id": str(row.public_id),
        "failing": [result.check_id for result in row.results.all()],
        "is_complete": row.is_complete,
        "inspected_at": _iso(row.inspected_at),
    }


def _verdicts(verdicts: Sequence[Verdict], rows: _Rows) -> list[dict[str, Any]]:
    waivers = rows.take_parts("waivers", (verdict.said["waivers"] for verdict in verdicts))
    return list(map(_verdict, verdicts, waivers))


def _verdict(verdict: Verdict, waivers: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": str(verdict.public_id),
        "outcome": verdict.outcome,
        "policy": label_of(verdict),
        "environment": verdict.environment,
        "reasons": [reason["message"] for reason in verdict.said["reasons"]],
        "waivers": waivers,
        "asked_by": verdict.asked_by,
        "at": _iso(verdict.at),
        "confirmed_at": _iso(verdict.confirmed_at),
    }


def _deployment(deployment: Deployment) -> dict[str, Any]:
    verdict = deployment.verdict
    return {
        "id": str(deployment.public_id),
        "digest": deployment.digest,
        "environment": deployment.environment,
        "status": deployment.status,
        "deployed_by": deployment.deployed_by,
        "reported_by": deployment.reported_by,
        "url": deployment.url,
        "verdict": verdict
        and {
            "id": str(verdict.public_id),
            "outcome": verdict.outcome,
            "policy": label_of(verdict),
            "at": _iso(verdict.at),
        },
        "deployed_at": _iso(deployment.deployed_at),
        "received_at": _iso(deployment.received_at),
    }


def _document(payload: IngestPayload) -> dict[str, Any]:
    return {
        "receipt": str(payload.public_id),
        "kind": payload.kind,
        "sha256": payload.sha256,
        "sent_by": str(payload.token or payload.user or "the server"),
        "received_at": _iso(payload.received_at),
        "parts": [
            {name: part[name] for name in ("name", "size", "sha256")} for part in payload.parts
        ],
    }


def _event(event: AuditEvent) -> dict[str, Any]:
    return {
        "sequence": event.sequence,
        "occurred_at": _iso(event.occurred_at),
        "actor": event.actor_name,
        "action": event.action,
        "target": event.target_repr,
        "address": event.ip,
        "hash": event.hash,
    }


def _iso(when: datetime | None) -> str | None:
    return when.isoformat() if when else None
