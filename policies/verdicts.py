"""A verdict on an image: judged from what is known now, and kept."""

import hashlib
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import Project
from accounts.typing import Actor
from audit.services import record
from buildkit.values import canonical_json
from policies.choosing import Chosen
from policies.evidence import evidence_of
from policies.images import Subject, subject_of
from policies.models import Verdict
from supplychain.gate.evidence import Evidence
from supplychain.gate.judging import judge

NEVER_SEEN = "Nothing is known of an image of this digest: no build made it, and no scan names it."


def give_verdict(
    *, project: Project, digest: str, environment: str, chosen: Chosen, actor: Actor
) -> Verdict:
    """Judge an image and keep what was said; the same answer of the same evidence is kept once.

    Of an image of which nothing is known the verdict is unknown, and is not kept.
    """
    now = timezone.now()
    subject = subject_of(project, digest)
    evidence = evidence_of(subject, environment)
    verdict = _verdict(subject, environment, chosen, evidence, now)
    verdict.asked_by = actor.actor_name[:200]
    if not subject.images and not evidence.scans:
        return verdict
    return _keep(verdict, actor)


def _verdict(
    subject: Subject, environment: str, chosen: Chosen, evidence: Evidence, now: datetime
) -> Verdict:
    judged = judge(chosen.document, evidence, now)
    said = judged.as_dict()
    outcome = said.pop("verdict")
    if not subject.images and not evidence.scans:
        outcome = Verdict.Outcome.UNKNOWN
        reason = {"rule": "known", "outcome": "unknown", "message": NEVER_SEEN, "evidence": []}
        said = {"reasons": [reason], "waivers": [], "passed": []}
    plain = evidence.as_dict()
    return Verdict(
        project=subject.project,
        digest=subject.digest,
        image=subject.images[0] if subject.images else None,
        build=subject.build,
        environment=environment[:60],
        version=chosen.version,
        outcome=outcome,
        said=said,
        evidence=plain,
        sha256=_sha256([chosen.document, environment, said, plain]),
        at=now,
        confirmed_at=now,
    )


def _sha256(value: Any) -> str:
    return hashlib.sha256(canonical_json(value)).hexdigest()


@transaction.atomic
def _keep(verdict: Verdict, actor: Actor) -> Verdict:
    """Keep a verdict, unless the newest of its policy on its image is the same: confirm that."""
    Project.objects.select_for_update(no_key=True).get(pk=verdict.project_id)
    same = Verdict.objects.filter(
        project=verdict.project_id,
        digest=verdict.digest,
        environment=verdict.environment,
        version=verdict.version,
    )
    newest = same.told().order_by("-at", "-pk").first()
    if newest is None or newest.sha256 != verdict.sha256:
        verdict.save()
        record(
            actor=actor,
            action="image.judged",
            target=verdict,
            project=verdict.project,
            changes={"digest": verdict.digest, "outcome": verdict.outcome},
        )
        return verdict
    # A clock that was put back takes no time away.
    newest.confirmed_at = max(newest.confirmed_at, verdict.confirmed_at)
    newest.save(update_fields=["confirmed_at"])
    return newest
