"""Writes of inspections."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from audit.services import ActorLike, record_soon
from builds.masking import mask_secrets
from builds.models import Service
from builds.services import get_or_create_service, lock_service
from inspections.documents import CheckDocument, InspectionDocument, content_of, not_after
from inspections.models import CheckResult, Inspection
from security.awaiting import Awaiting
from security.matching import GROUP, Match, lineage_of, match
from security.models import Severity
from security.order import in_order

FAIL, UNKNOWN = CheckResult.Outcome.FAIL, CheckResult.Outcome.UNKNOWN


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a document; ``is_known`` if the same was sent before."""

    inspection: Inspection
    is_known: bool


@transaction.atomic
def take_inspection(
    *,
    project_id: int,
    document: InspectionDocument,
    received_at: datetime | None = None,
    actor: ActorLike | None = None,
) -> Taken:
    """Keep what a look at an image has found; the same again only moves its time.

    Without a build of the image it waits for one, unless it names its service and no digest.
    """
    received_at = received_at or timezone.now()
    at = not_after(document.inspected_at, received_at)
    inspection, is_new = Inspection.objects.get_or_create(
        project_id=project_id,
        content=content_of(document, "inspected_at"),
        defaults=_columns(document) | {"inspected_at": at, "received_at": received_at},
    )
    if not is_new:
        if at > inspection.inspected_at:
            inspection.inspected_at = at
            inspection.save(update_fields=["inspected_at"])
        return Taken(inspection, is_known=True)
    CheckResult.objects.bulk_create(_result(inspection, item) for item in document.checks)
    if document.service:
        inspection.service = get_or_create_service(project_id=project_id, name=document.service)
        inspection.save(update_fields=["service"])
    place(inspection)
    if actor:
        record_soon(
            actor=actor,
            action="inspection.received",
            target=inspection,
            project=inspection.project,
            changes={"image": inspection.image_name, "content": bytes(inspection.content).hex()},
        )
    return Taken(inspection, is_known=False)


def _columns(document: InspectionDocument) -> dict[str, Any]:
    same = ("source", "platform", "target", "variant", "environment", "is_production")
    return {
        "image_name": document.image,
        "digests": document.known_by(),
        "is_complete": document.is_complete,
        "problem": document.problem,
        "tool_version": document.tool_version,
        "config": _masked(document.config),
        **{name: getattr(document, name) for name in same},
    }


def _result(inspection: Inspection, item: CheckDocument) -> CheckResult:
    return CheckResult(
        inspection=inspection,
        check_id=item.id,
        title=item.title or item.id,
        outcome=item.status,
        severity=Severity[item.severity],
        message=mask_secrets(item.message),
        remediation=item.remediation,
        evidence=[_masked(place.model_dump()) for place in item.evidence],
        count=item.count,
    )


def _masked(value: Any) -> Any:
    """Return JSON without what looks like a secret: who sends it may be another command."""
    if isinstance(value, dict):
        return {mask_secrets(name): _masked(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_masked(item) for item in value]
    return mask_secrets(value) if isinstance(value, str) else value


@transaction.atomic
def place(inspection: Inspection) -> None:
    """Put an inspection among those of the images before and after, if its image is known."""
    found = match(inspection.project_id, inspection.digests)
    service = found.build.service if found else inspection.service
    if service is None or (found is None and inspection.digests):
        return
    _place(inspection, service, found)


def _place(inspection: Inspection, service: Service, found: Match | None) -> None:
    lock_service(service)
    fields = {name: str(getattr(inspection, name)) for name in GROUP}
    lineage = lineage_of(service, found, fields, inspection.platform)
    before = Inspection.objects.newest_of(lineage)
    inspection.service, inspection.lineage = service, lineage
    if found:
        inspection.image, inspection.build = found.image, found.build
        inspection.image_at = found.build.listed_at
        for name in ("target", "variant", "environment"):
            setattr(inspection, name, getattr(inspection, name) or getattr(found.build, name))
    inspection.is_late = _is_late(inspection, before)
    if not inspection.is_late:
        _follow(inspection, before)
    inspection.save()


def _is_late(inspection: Inspection, before: Inspection | None) -> bool:
    """Tell whether something newer was looked at before; a clock that is wrong is set right."""
    if before is None:
        return False
    if before.image_id != inspection.image_id:
        if before.image_at is None or inspection.image_at is None:
            return False
        return inspection.image_at < before.image_at
    newer = [before.inspected_at] if before.inspected_at > inspection.inspected_at else []
    looks = Inspection.objects.filter(lineage=inspection.lineage)
    looks = looks.annotate(delay=F("received_at") - F("inspected_at"))
    inspection.inspected_at, is_late = in_order(
        inspection.inspected_at, inspection.received_at, newer, looks
    )
    return is_late


def _follow(inspection: Inspection, before: Inspection | None) -> None:
    """Tell since when each check fails, and what has come and gone since the image before."""
    known = {item.check_id: item for item in before.results.all()} if before else {}
    results = list(inspection.results.all())
    for item in results:
        earlier = known.get(item.check_id)
        since = earlier.since_id if earlier else None
        if item.outcome == FAIL:
            item.since_id = since or inspection.pk
        elif item.outcome == UNKNOWN:
            item.since_id = since
    CheckResult.objects.bulk_update(results, ["since"])
    if before is None:
        return
    inspection.came = [
        item.check_id for item in results if item.outcome == FAIL and item.since_id == inspection.pk
    ]
    inspection.went = [
        item.check_id
        for item in results
        if item.outcome not in (FAIL, UNKNOWN)
        and item.check_id in known
        and known[item.check_id].since_id
    ]


def place_each(inspection_ids: Collection[int]) -> None:
    """Place inspections, the oldest first."""
    waiting = Inspection.objects.waiting().filter(pk__in=inspection_ids)
    for inspection in waiting.order_by("received_at"):
        place(inspection)


AWAITING = Awaiting(Inspection.objects.waiting, place_each)
