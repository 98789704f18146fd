"""The append-only trail of who did what, and what proves that it is whole."""

from datetime import UTC
from typing import Any, ClassVar

import pgtrigger
from django.conf import settings
from django.db import models

from audit.chain import GENESIS, Link
from audit.querysets import (
    AuditChainQuerySet,
    AuditEventQuerySet,
    CheckpointQuerySet,
    SigningKeyQuerySet,
)

REFUSE = "RAISE EXCEPTION 'the audit trail is append-only';"


def no_truncate() -> pgtrigger.Trigger:
    """Return the trigger that refuses to empty a table."""
    return pgtrigger.Trigger(
        name="no_truncate",
        level=pgtrigger.Statement,
        when=pgtrigger.Before,
        operation=pgtrigger.Truncate,
        func=REFUSE,
    )


def append_only() -> list[pgtrigger.Trigger]:
    """Return the triggers of a table whose rows stay as they are."""
    operation = pgtrigger.Update | pgtrigger.Delete
    return [pgtrigger.Protect(name="append_only", operation=operation), no_truncate()]


class Act(models.Model):
    """Who did what to what. Names are copied, so that the trail outlives what it speaks of."""

    chain = models.CharField(max_length=36)
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

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.occurred_at:%Y-%m-%d %H:%M:%S} {self.actor_name} {self.action}"


class AuditEvent(Act):
    """One act, linked by hash to the act before it in the same chain.

    A chain is a project, or ``instance`` for what belongs to none.
    """

    INSTANCE_CHAIN = "instance"

    sequence = models.PositiveBigIntegerField()
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
        indexes: ClassVar = [
            # The filters of the page, each newest first.
            models.Index(fields=["chain", "action", "-sequence"], name="audit_event_action_ix"),
            models.Index(fields=["chain", "actor_name", "-sequence"], name="audit_event_actor_ix"),
            models.Index(fields=["chain", "target_id", "-sequence"], name="audit_event_target_ix"),
            models.Index(fields=["chain", "ip", "-sequence"], name="audit_event_ip_ix"),
            models.Index(fields=["chain", "occurred_at"], name="audit_event_occurred_ix"),
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update),
            no_truncate(),
            # Only audit.retention cuts, and only what a tombstone stands for.
            pgtrigger.Trigger(
                name="cut_by_tombstone",
                when=pgtrigger.Before,
                operation=pgtrigger.Delete,
                func=(
                    "IF current_setting('audit.cutting', true) = OLD.chain AND EXISTS"
                    " (SELECT FROM audit_tombstone t"
                    " WHERE t.chain = OLD.chain AND t.sequence >= OLD.sequence)"
                    " THEN RETURN OLD; END IF; " + REFUSE
                ),
            ),
        ]

    @property
    def link(self) -> Link:
        """The event's place in its chain."""
        return Link(self.sequence, self.hash)


class PendingEvent(Act):
    """An act that is to be appended soon, with many others under one lock of the chain."""

    class Meta:
        ordering: ClassVar = ["pk"]
        indexes: ClassVar = [
            # What waits in one chain, in its order.
            models.Index(fields=["chain", "id"], name="audit_pending_chain_ix"),
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update),
            no_truncate(),
            pgtrigger.Trigger(
                name="appended_first",
                when=pgtrigger.Before,
                operation=pgtrigger.Delete,
                func=(
                    "IF EXISTS (SELECT FROM audit_auditevent e WHERE e.chain = OLD.chain"
                    " AND e.occurred_at = OLD.occurred_at AND e.action = OLD.action"
                    " AND e.actor_name = OLD.actor_name AND e.target_id = OLD.target_id"
                    " AND e.changes = OLD.changes)"
                    " THEN RETURN OLD; END IF; " + REFUSE
                ),
            ),
        ]


class AuditChain(models.Model):
    """The head of a chain, which shows if events were cut off; and how the last proof went."""

    name = models.CharField(max_length=36, primary_key=True)
    sequence = models.PositiveBigIntegerField(default=0, db_default=0)
    hash = models.CharField(max_length=64, default=GENESIS, db_default=GENESIS)
    verified_sequence = models.PositiveBigIntegerField(default=0, db_default=0)
    verified_at = models.DateTimeField(null=True)
    break_sequence = models.PositiveBigIntegerField(null=True)
    break_reason = models.CharField(max_length=300, blank=True, db_default="")

    objects = AuditChainQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return f"{self.name} at {self.sequence}"

    @property
    def is_broken(self) -> bool:
        """Whether the last proof failed."""
        return self.break_sequence is not None


class SigningKey(models.Model):
    """A public key that checkpoints were signed with, and the key before it.

    Each key signs its own row: so who trusts the newest key can trust those before it.
    """

    TYPE = "buildinsights.audit.key.v1"

    key_id = models.CharField(max_length=64, primary_key=True)
    public_key = models.CharField(max_length=64)
    previous = models.CharField(max_length=64, blank=True)
    made_at = models.DateTimeField()
    signature = models.CharField(max_length=100)

    objects = SigningKeyQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["made_at"]
        triggers: ClassVar = append_only()

    def __str__(self) -> str:
        return self.key_id

    def document(self) -> dict[str, Any]:
        """Return what is signed."""
        return {
            "type": self.TYPE,
            "key_id": self.key_id,
            "public_key": self.public_key,
            "previous": self.previous,
            "made_at": self.made_at.astimezone(UTC).isoformat(),
        }


class Signed(models.Model):
    """A signed statement about a chain up to an event."""

    chain = models.CharField(max_length=36)
    number = models.PositiveIntegerField()
    sequence = models.PositiveBigIntegerField()
    hash = models.CharField(max_length=64)
    count = models.PositiveBigIntegerField()
    made_at = models.DateTimeField()
    key_id = models.CharField(max_length=64)
    previous = models.CharField(max_length=64)
    signature = models.CharField(max_length=100)

    TYPE: ClassVar[str]

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.chain} {self.number}: up to {self.sequence}"

    @property
    def link(self) -> Link:
        """The event up to which it speaks."""
        return Link(self.sequence, self.hash)

    def document(self) -> dict[str, Any]:
        """Return what is signed."""
        return {
            "type": self.TYPE,
            "chain": self.chain,
            "number": self.number,
            "sequence": self.sequence,
            "hash": self.hash,
            "count": self.count,
            "made_at": self.made_at.astimezone(UTC).isoformat(),
            "key_id": self.key_id,
            "previous": self.previous,
        }


class Checkpoint(Signed):
    """``count`` events are there, the last of them with this hash.

    ``previous`` is SHA-256 of the chain's checkpoint before.
    """

    TYPE = "buildinsights.audit.checkpoint.v1"

    objects = CheckpointQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["chain", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["chain", "number"], name="audit_checkpoint_chain_number_uq"
            ),
        ]
        triggers: ClassVar = append_only()


class Tombstone(Signed):
    """``count`` events were removed, the last of them with this hash: a chain starts from here.

    ``previous`` is SHA-256 of the chain's tombstone before.
    """

    TYPE = "buildinsights.audit.tombstone.v1"

    objects = CheckpointQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["chain", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["chain", "number"], name="audit_tombstone_chain_number_uq"
            ),
        ]
        triggers: ClassVar = append_only()


class Noted(models.Model):
    """What was noted in the trail already on a day, and need not be again."""

    day = models.DateField()
    what = models.CharField(max_length=64)
    """A digest: who, from where, what."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["day", "what"], name="audit_noted_day_what_uq"),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.what}"
