"""Writing to the trail, and proving that it holds."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any, Protocol

import structlog
from django.db import connection, models, transaction

from audit.chain import GENESIS, HASHED_FIELDS, Break, event_hash, find_break
from audit.models import AuditEvent

LOCK_NAMESPACE = 0x6175  # the letters "au": first key of the two-key advisory lock


class ActorLike(Protocol):
    """What the trail notes of whoever acts; ``accounts.typing.Actor`` has it."""

    @property
    def actor_name(self) -> str: ...

    @property
    def actor_type(self) -> str: ...

    @property
    def actor_id(self) -> int | None: ...


class System:
    """The product itself, acting on a schedule."""

    actor_name = "buildinsights"
    actor_type = "system"
    actor_id: int | None = None


SYSTEM = System()


def record(
    *,
    actor: ActorLike,
    action: str,
    target: models.Model,
    project: models.Model | None = None,
    changes: Mapping[str, Any] | None = None,
) -> AuditEvent:
    """Append an event to the chain of ``project``, in the caller's transaction.

    The chain is locked until that transaction ends, so that two writers cannot both follow the
    same event. Must run inside ``transaction.atomic``.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("an audit event belongs to the transaction of the act it records")
    chain = chain_name(project)
    _lock(chain)
    last = AuditEvent.objects.in_chain(chain).values("sequence", "hash").last()
    context = structlog.contextvars.get_contextvars()
    fields: dict[str, Any] = {
        "chain": chain,
        "sequence": last["sequence"] + 1 if last else 1,
        "project_name": str(project) if project else "",
        "actor_type": actor.actor_type,
        "actor_name": actor.actor_name,
        "action": action,
        "target_type": target._meta.label_lower,  # noqa: SLF001
        "target_id": str(getattr(target, "public_id", target.pk)),
        "target_repr": str(target)[:300],
        "request_id": str(context.get("request_id", ""))[:64],
        "ip": _stored_ip(context.get("ip")),
        "changes": dict(changes or {}),
        "occurred_at": datetime.now(UTC).isoformat(),
        "prev_hash": last["hash"] if last else GENESIS,
    }
    fields["hash"] = event_hash(fields)
    occurred_at = datetime.fromisoformat(fields["occurred_at"])
    return AuditEvent.objects.create(
        **fields | {"occurred_at": occurred_at}, user_id=user_id_of(actor)
    )


def user_id_of(actor: ActorLike) -> int | None:
    """Return the primary key of the person who acts; of a token there is none."""
    return actor.actor_id if actor.actor_type == "user" else None


def _stored_ip(ip: object) -> str | None:
    """Return the address as the database gives it back, without a zone, so that hashes hold."""
    try:
        return str(ip_address(str(ip).partition("%")[0]))
    except ValueError:
        return None


def chain_name(project: models.Model | None) -> str:
    """Return the name of the project's chain, or of the instance's."""
    return str(getattr(project, "public_id", AuditEvent.INSTANCE_CHAIN))


def verify_chain(chain: str) -> Break | None:
    """Return the first break of a stored chain, reading it in batches."""
    with transaction.atomic():
        return find_break(_documents(chain))


def _documents(chain: str) -> Iterator[dict[str, Any]]:
    events = AuditEvent.objects.in_chain(chain).values(*HASHED_FIELDS, "hash")
    for event in events.iterator(chunk_size=2000):
        yield {**event, "occurred_at": event["occurred_at"].astimezone(UTC).isoformat()}


def _lock(chain: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [LOCK_NAMESPACE, chain])
