"""Writing to the trail: at once in the act's own transaction, or soon with many others."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any, Protocol

import structlog
from django.db import connection, models, transaction
from psycopg import sql

from audit.appending import PENDING_COLUMNS, append, bounded, note_values
from audit.models import Act, AuditEvent, PendingEvent


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

IPV4_COMPATIBLE = range(1 << 16, 1 << 32)
"""Addresses of IPv6 that PostgreSQL writes like those of IPv4, and Python does not: ::1.2.3.4."""


class Stranger:
    """Somebody who has not proved who they are: what they do is to be noted once a day at most."""

    actor_type = "stranger"
    actor_id: int | None = None

    def __init__(self, name: str) -> None:
        self.actor_name = name


NOTE = sql.SQL("INSERT INTO audit_pendingevent ({columns}) VALUES ({values})").format(
    columns=sql.SQL(", ").join(map(sql.Identifier, PENDING_COLUMNS)),
    values=sql.SQL(", ").join(sql.Placeholder() * len(PENDING_COLUMNS)),
)


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
    return append(
        act_of(actor=actor, action=action, target=target, project=project, changes=changes)
    )


def record_soon(
    *,
    actor: ActorLike,
    action: str,
    target: models.Model,
    project: models.Model | None = None,
    changes: Mapping[str, Any] | None = None,
) -> None:
    """Note an event in the caller's transaction, if there is one; it is appended within seconds.

    For what happens often, at once and in long transactions: nobody waits for the chain's lock.
    """
    act = act_of(actor=actor, action=action, target=target, project=project, changes=changes)
    with connection.cursor() as cursor:
        cursor.execute(NOTE, note_values(act))


def record_once_a_day(
    *,
    actor: ActorLike,
    action: str,
    target: models.Model,
    project: models.Model | None = None,
    changes: Mapping[str, Any] | None = None,
) -> bool:
    """Note an event like ``record_soon``, the first time on a day (UTC); tell if it was.

    The same is the same actor, address, action and target; ``changes`` make no difference, nor
    do the names of strangers.
    """
    act = act_of(actor=actor, action=action, target=target, project=project, changes=changes)
    day = act.occurred_at.date()
    place = _network_of(act.ip) if actor.actor_type == Stranger.actor_type else act.ip
    same = (act.chain, act.actor_type, actor.actor_id, place, act.action, act.target_id)
    what = hashlib.sha256(repr(same).encode()).hexdigest()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_noted (day, what) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            [day, what],
        )
        if not cursor.rowcount:
            return False
        cursor.execute(NOTE, note_values(act))
    return True


def act_of(
    *,
    actor: ActorLike,
    action: str,
    target: models.Model,
    project: models.Model | None = None,
    changes: Mapping[str, Any] | None = None,
) -> Act:
    """Return an act with the time, and the request and address that it comes from."""
    context = structlog.contextvars.get_contextvars()
    act = PendingEvent(
        chain=chain_name(project),
        project_name=str(project) if project else "",
        user_id=user_id_of(actor),
        actor_type=actor.actor_type,
        actor_name=actor.actor_name,
        action=action,
        target_type=target._meta.label_lower,  # noqa: SLF001
        target_id=str(getattr(target, "public_id", None) or target.pk or ""),
        target_repr=str(target),
        request_id=str(context.get("request_id", "")),
        ip=_stored_ip(context.get("ip")),
        changes=dict(changes or {}),
        occurred_at=datetime.now(UTC),
    )
    return bounded(act)


def user_id_of(actor: ActorLike) -> int | None:
    """Return the primary key of the person who acts; of a token there is none."""
    return actor.actor_id if actor.actor_type == "user" else None


def _network_of(ip: str | None) -> str | None:
    """Return the network of an address of IPv6: whoever has one has 2^64."""
    address = ip_address(ip) if ip else None
    if not isinstance(address, IPv6Address) or address.ipv4_mapped:
        return ip
    return str(IPv6Network((int(address), 64), strict=False))


def _stored_ip(ip: object) -> str | None:
    """Return the address as the database gives it back, without a zone, so that hashes hold."""
    try:
        address = ip_address(str(ip).partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and int(address) in IPV4_COMPATIBLE:
        return f"::{IPv4Address(int(address))}"
    return str(address)


def chain_name(project: models.Model | None) -> str:
    """Return the name of the project's chain, or of the instance's."""
    return str(getattr(project, "public_id", AuditEvent.INSTANCE_CHAIN))
