"""Appending to a chain: its head is locked and read, then moved with the insert.

These are two round trips. Whoever appends holds the head until the transaction ends, so that no two
events follow the same one.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC
from typing import Any

from django.db import connection, transaction
from psycopg import sql
from psycopg.types.json import Jsonb

from audit.chain import GENESIS, Link, event_hash, storable, storable_text
from audit.models import Act, AuditChain, AuditEvent, PendingEvent
from buildinsights.copying import copy_rows

BATCH = 5000
"""Pending acts that are appended under one lock."""


def _fields(model: type[Act]) -> list[Any]:
    return [field for field in model._meta.concrete_fields if field.name != "id"]  # noqa: SLF001


COLUMNS = tuple(field.attname for field in _fields(AuditEvent))
PENDING_COLUMNS = tuple(field.attname for field in _fields(PendingEvent))

LOCK = "SELECT sequence, hash FROM audit_auditchain WHERE name = %s FOR UPDATE"
BEGIN = f"""
INSERT INTO audit_auditchain (name, sequence, hash) VALUES (%s, 0, '{GENESIS}')
ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING sequence, hash
"""  # noqa: S608
APPEND = sql.SQL(
    "WITH head AS (UPDATE audit_auditchain SET sequence = %s, hash = %s WHERE name = %s)"
    " INSERT INTO audit_auditevent ({columns}) VALUES ({values}) RETURNING id"
).format(
    columns=sql.SQL(", ").join(map(sql.Identifier, COLUMNS)),
    values=sql.SQL(", ").join(sql.Placeholder() * len(COLUMNS)),
)


def append(act: Act) -> AuditEvent:
    """Append one act to its chain, in the caller's transaction."""
    event = _linked(act, lock_head(act.chain))
    with connection.cursor() as cursor:
        cursor.execute(APPEND, [event.sequence, event.hash, event.chain, *_row(event, COLUMNS)])
        (event.pk,) = cursor.fetchone()
    event._state.adding = False  # noqa: SLF001
    return event


def append_pending() -> int:
    """Append all acts that wait, chain by chain in the order they were noted; return how many."""
    waiting = PendingEvent.objects.order_by().values_list("chain", flat=True).distinct()
    return sum(_append_all(chain) for chain in sorted(waiting))


def append_pending_of(chain: str) -> int:
    """Append what waits for one chain."""
    is_waiting = PendingEvent.objects.filter(chain=chain).exists()
    return _append_all(chain) if is_waiting else 0


def _append_all(chain: str) -> int:
    appended = 0
    while count := _append_batch(chain):
        appended += count
        if count < BATCH:
            break
    return appended


@transaction.atomic
def _append_batch(chain: str) -> int:
    link = lock_head(chain)
    acts = list(PendingEvent.objects.filter(chain=chain).order_by("pk")[:BATCH])
    events = []
    for act in acts:
        events.append(_linked(act, link))
        link = events[-1].link
    if events:
        copy_rows(AuditEvent._meta.db_table, COLUMNS, (_row(event, COLUMNS) for event in events))  # noqa: SLF001
        AuditChain.objects.filter(name=chain).update(sequence=link.sequence, hash=link.hash)
        PendingEvent.objects.filter(pk__in=[act.pk for act in acts]).delete()
    return len(events)


def lock_head(chain: str) -> Link:
    """Lock a chain until the transaction ends; return its last event."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [chain])
        found = cursor.fetchone()
        if found is None:
            cursor.execute(BEGIN, [chain])
            found = cursor.fetchone()
    return Link(*found)


def note_from(source: str, known: Mapping[str, str]) -> sql.Composed:
    """Return a statement that notes an act for each row of ``source``, to be part of another.

    Columns that are ``known`` there are taken from it; ``note_values`` has the others.
    """
    values = [
        sql.SQL(known[field.attname])
        if field.attname in known
        else sql.SQL("%s::{}").format(sql.SQL(str(field.db_type(connection))))
        for field in _fields(PendingEvent)
    ]
    return sql.SQL("INSERT INTO audit_pendingevent ({}) SELECT {} FROM {}").format(
        sql.SQL(", ").join(map(sql.Identifier, PENDING_COLUMNS)),
        sql.SQL(", ").join(values),
        sql.SQL(source),
    )


def note_values(act: Act, known: Collection[str] = ()) -> list[Any]:
    """Return an act's values for ``note_from``."""
    return _row(act, [column for column in PENDING_COLUMNS if column not in known])


def _linked(act: Act, last: Link) -> AuditEvent:
    """Return the event that an act becomes after the last one."""
    values = {field.attname: getattr(act, field.attname) for field in Act._meta.fields}  # noqa: SLF001
    event = AuditEvent(**values, sequence=last.sequence + 1, prev_hash=last.hash)
    hashed = values | {
        "sequence": event.sequence,
        "prev_hash": event.prev_hash,
        "occurred_at": event.occurred_at.astimezone(UTC).isoformat(),
    }
    event.hash = event_hash(hashed)
    return event


def _row(act: Act, columns: Sequence[str]) -> list[Any]:
    return [
        Jsonb(value) if column == "changes" else value
        for column in columns
        for value in [getattr(act, column)]
    ]


def bounded(act: Act) -> Act:
    """Return the act with what the database holds as it is given: so that its hash holds."""
    act.changes = storable(act.changes)
    for field in Act._meta.fields:  # noqa: SLF001
        value = getattr(act, field.attname)
        if isinstance(value, str):
            setattr(act, field.attname, storable_text(value)[: field.max_length])
    return act
