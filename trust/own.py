"""Verifications that the server makes itself, of images in registries that it may ask."""

import os
from datetime import datetime
from pathlib import Path

import structlog
from billiard.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import Project
from accounts.typing import Actor
from audit.services import record
from buildkit.registry import Reference, Registry, RegistryError, credentials_for
from builds.masking import mask_secrets
from supplychain.signing.cosign import Cosign
from supplychain.signing.errors import SigningError
from supplychain.trust.reading import PolicyError
from supplychain.trust.verifying import Asked, UnknownEnvironmentError, verify_image
from trust.exceptions import NoPolicyError, RegistryNotAllowedError
from trust.models import TrustPolicyVersion, Verification, WaitingVerification
from trust.services import Result, named, record_verification

log = structlog.get_logger(__name__)

SECONDS = 300
NOT_VERIFIED = "not-verified"
"""The code of a reason that is none of the image's: nothing is known of it."""


def policy_for(project: Project, environment: str) -> TrustPolicyVersion | None:
    """Return what holds for an environment of a project."""
    rows = TrustPolicyVersion.objects.filter(policy__project=project)
    return rows.of_environment(environment).holding().first()


@transaction.atomic
def ask_verification(
    *, project: Project, reference: Reference, environment: str, actor: Actor
) -> WaitingVerification:
    """Let an image be verified by the server, soon.

    Raises:
        RegistryNotAllowedError: the server may not ask its registry.
        NoPolicyError: nothing says what holds for the environment.
    """
    if reference.host not in settings.TRUST_REGISTRIES:
        raise RegistryNotAllowedError
    if policy_for(project, environment) is None:
        raise NoPolicyError
    made = WaitingVerification.objects.create(
        project=project,
        reference=str(reference),
        environment=environment,
        asked_by=actor.actor_name[:200],
    )
    changes = {"image": str(reference), "environment": environment}
    record(actor=actor, action="verification.asked", target=made, project=project, changes=changes)
    return made


@transaction.atomic
def verify_next() -> Verification | None:
    """Verify the image that waits longest and keep what came of it; ``None`` if none waits.

    A worker that dies leaves it to another.
    """
    rows = WaitingVerification.objects.select_related("project")
    waiting = rows.select_for_update(skip_locked=True, of=("self",)).first()
    if waiting is None:
        return None
    version = policy_for(waiting.project, waiting.environment)
    kept, _ = record_verification(
        project=waiting.project,
        result=_result(waiting, version, timezone.now()),
        reported_by=f"server, for {waiting.asked_by}",
        public_id=waiting.public_id,
        policy_version=version,
    )
    waiting.delete()
    return kept


def _result(
    waiting: WaitingVerification, version: TrustPolicyVersion | None, at: datetime
) -> Result:
    """Return what was found; what kept it from being found out is a reason, too."""
    reference = Reference.parse(waiting.reference)
    try:
        if version is None or reference.host not in settings.TRUST_REGISTRIES:
            return _unknown(waiting, reference, "The policy or the registry is not allowed now.")
        asked = Asked(reference, version.document, waiting.environment, at, references=False)
        folder = Path(settings.REGISTRY_CONFIG_DIR) / waiting.project.slug
        registry = Registry(reference.host, credentials_for(reference.host, folder))
        found = verify_image(asked, registry, Cosign(_environment())).as_json()
    except (RegistryError, SigningError, PolicyError, UnknownEnvironmentError) as error:
        return _unknown(waiting, reference, mask_secrets(str(error)))
    except SoftTimeLimitExceeded:
        return _unknown(waiting, reference, f"It took longer than {SECONDS} s.")
    except Exception:  # of an image that nobody foresaw: those behind it wait, too
        log.exception("verification_crashed", reference=str(reference))
        return _unknown(waiting, reference, "An error of ours; it is in the server's log.")
    return Result(
        image_name=named(reference),
        digest=found["digest"],
        environment=waiting.environment,
        reasons=found["reasons"],
        verified_at=at,
        facts=found["facts"],
        inputs=found["inputs"],
    )


def _environment() -> dict[str, str]:
    """Return what cosign may know of this process: nothing of what the server keeps secret."""
    names = {"PATH", "HOME", "TMPDIR", "TUF_ROOT", "SSL_CERT_FILE", "SSL_CERT_DIR"}
    names |= {"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"}
    return {name: value for name, value in os.environ.items() if name.upper() in names}


def _unknown(waiting: WaitingVerification, reference: Reference, message: str) -> Result:
    return Result(
        image_name=named(reference),
        digest=reference.digest,
        environment=waiting.environment,
        reasons=[{"code": NOT_VERIFIED, "message": message[:2000]}],
        verified_at=timezone.now(),
    )
