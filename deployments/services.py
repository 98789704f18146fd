"""Writes of deployments."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Case, When
from django.utils import timezone

from accounts.models import Project
from accounts.typing import Actor
from audit.services import record_soon
from builds.masking import mask_secrets
from builds.services import get_or_create_service
from deployments.models import Deployment
from inspections.documents import not_after
from policies.models import Verdict
from security.awaiting import Awaiting
from security.matching import match


@dataclass(frozen=True, slots=True)
class Told:
    """What a sender tells of a deployment; without ``deployed_at`` it took place just now.

    ``service`` and ``target`` count until a build of the image is known.
    """

    digest: str
    environment: str
    deployed_at: datetime | None = None
    status: str = Deployment.Status.SUCCEEDED
    service: str = ""
    target: str = ""
    url: str = ""
    deployed_by: str = ""


@transaction.atomic
def record_deployment(*, project: Project, told: Told, actor: Actor) -> tuple[Deployment, bool]:
    """Keep a deployment; return it, and whether it is new: the first that was told stays."""
    received_at = timezone.now()
    stated_at = told.deployed_at or received_at
    kept, is_new = Deployment.objects.get_or_create(
        project=project,
        digest=told.digest,
        environment=told.environment,
        stated_at=stated_at,
        defaults={
            "status": told.status,
            "target": told.target,
            "url": mask_secrets(told.url)[:500],
            "deployed_by": told.deployed_by,
            "reported_by": actor.actor_name[:200],
            "deployed_at": not_after(stated_at, received_at),
            "received_at": received_at,
        },
    )
    if is_new:
        place(kept)
        if kept.service is None and told.service:
            kept.service = get_or_create_service(project_id=project.pk, name=told.service)
            kept.save(update_fields=["service"])
        changes = {"digest": kept.digest, "environment": kept.environment, "status": kept.status}
        record_soon(
            actor=actor,
            action="deployment.recorded",
            target=kept,
            project=project,
            changes=changes | ({"deployed_by": kept.deployed_by} if kept.deployed_by else {}),
        )
    return kept, is_new


@transaction.atomic
def place(deployment: Deployment) -> None:
    """Tell of which build a deployment's image is, if one is known, and what was said of it."""
    if found := match(deployment.project_id, [deployment.digest]):
        deployment.image, deployment.build = found.image, found.build
        deployment.service, deployment.target = found.build.service, found.build.target
    deployment.verdict = _verdict_then(deployment)
    deployment.save(update_fields=["image", "build", "service", "target", "verdict"])


def _verdict_then(deployment: Deployment) -> Verdict | None:
    """Return what had been said last of the image for the environment when it was deployed.

    Saying the same again confirms a verdict.
    """
    image = deployment.image
    digests = {deployment.digest} | ({image.digest, image.config_digest} if image else set())
    said = Verdict.objects.filter(
        project=deployment.project_id,
        digest__in=digests - {""},
        environment=deployment.environment,
        at__lte=deployment.deployed_at,
    )
    said_at = Case(
        When(confirmed_at__lte=deployment.deployed_at, then="confirmed_at"), default="at"
    )
    return said.order_by(said_at.desc(), "-pk").first()


def place_each(deployment_ids: Collection[int]) -> None:
    """Place deployments, the oldest first."""
    waiting = Deployment.objects.waiting().filter(pk__in=deployment_ids)
    for deployment in waiting.order_by("received_at"):
        place(deployment)


AWAITING = Awaiting(Deployment.objects.waiting, place_each)
