"""System checks of the trail: that it holds, as far as the last proof says, and can be signed."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError

from audit.checkpoints import signer
from audit.models import AuditChain
from audit.signing import SigningKeyError

BROKEN = "audit.E001"
BAD_KEY = "audit.E002"
NO_KEY = "audit.W001"


@register(Tags.database)
def check_chains(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Each chain whose last proof failed is an error."""
    if not databases:
        return []
    try:
        broken = list(AuditChain.objects.broken())
    except DatabaseError:
        return []  # not migrated yet
    return [
        Error(
            f"The audit trail {head.name} is broken at event {head.break_sequence}:"
            f" {head.break_reason}.",
            hint="Keep the database as it is, and compare an export with an earlier one.",
            id=BROKEN,
        )
        for head in broken
    ]


@register(Tags.security)
def check_key(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """A key that is named must be there."""
    try:
        signer()
    except SigningKeyError as problem:
        return [Error(str(problem), hint="Set AUDIT_SIGNING_KEY_FILE.", id=BAD_KEY)]
    return []


@register(Tags.security, deploy=True)
def check_signed(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Without a key, whoever owns the database can write the trail anew."""
    try:
        if signer() is not None:
            return []
    except SigningKeyError:
        return []
    hint = "python manage.py make_audit_key PATH, and name it in AUDIT_SIGNING_KEY_FILE."
    return [Warning("Checkpoints of the audit trail are not signed.", hint=hint, id=NO_KEY)]
