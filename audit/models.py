"""The append-only trail of who did what."""

from typing import ClassVar

import pgtrigger
from django.conf import settings
from django.db import models

from audit.querysets import AuditEventQuerySet


class AuditEvent(models.Model):
    """One act, linked by hash to the act before it in the same chain.

    A chain is a project, or ``instance`` for what belongs to none. Names are copied, so that the
    trail outlives the people and things it speaks of.
    """

    INSTANCE_CHAIN = "instance"

    chain = models.CharField(max_length=36)
    sequence = models.PositiveBigIntegerField()
    project_name = models.CharField(max_length=100, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.DO_NOTHING,
        null=True,
        db_constraint=False,
        related_name="+",
    )
    actor_type = models.CharField(max_length=20)
    actor_name = models.CharField(max_length=200)
    action = models.CharField(max_length=60)
    target_type = models.CharField(max_length=60)
    target_id = models.CharField(max_length=60)
    target_repr = models.CharField(max_length=300)
    request_id = models.CharField(max_length=64, blank=True)
    ip = models.GenericIPAddressField(null=True)
    changes = models.JSONField(default=dict)
    occurred_at = models.DateTimeField()
    prev_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["chain", "sequence"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["chain", "sequence"], name="audit_auditevent_chain_sequence_uq"
            ),
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            pgtrigger.Trigger(
                name="no_truncate",
                level=pgtrigger.Statement,
                when=pgtrigger.Before,
                operation=pgtrigger.Truncate,
                func="RAISE EXCEPTION 'the audit trail is append-only';",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.occurred_at:%Y-%m-%d %H:%M:%S} {self.actor_name} {self.action}"
