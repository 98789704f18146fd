"""One statement for one upload: it inserts, or tells that there is such a payload already."""

from functools import cache
from typing import Any

from django.db import connection
from psycopg import sql
from psycopg.types.json import Jsonb

from audit.appending import note_from, note_values
from audit.services import ActorLike, act_of
from ingest.models import IngestPayload

COLUMNS = (
    "public_id",
    "project_id",
    "token_id",
    "user_id",
    "kind",
    "sha256",
    "idempotency_key",
    "fields",
    "parts",
    "body",
    "size_bytes",
    "shift_seconds",
    "state",
    "attempts",
    "errors",
)
JSON_COLUMNS = frozenset({"fields", "parts", "errors"})

STORE = sql.SQL(
    "WITH stored AS ("
    "INSERT INTO {table} ({columns}) VALUES ({values}) ON CONFLICT DO NOTHING"
    " RETURNING id, received_at, project_id)"
).format(
    table=sql.Identifier(IngestPayload._meta.db_table),  # noqa: SLF001
    columns=sql.SQL(", ").join(map(sql.Identifier, COLUMNS)),
    values=sql.SQL(", ").join(sql.Placeholder() * len(COLUMNS)),
)
NOTED_BY_PROJECT = {
    "chain": "project.public_id::varchar",
    "project_name": "project.name",
    "occurred_at": "stored.received_at",
}
"""Columns of the trail's note that the database knows better."""


@cache
def insert() -> sql.Composed:
    """Return the statement that stores an upload, and notes for the trail that it was stored."""
    note = note_from(
        "stored JOIN accounts_project project ON project.id = stored.project_id", NOTED_BY_PROJECT
    )
    return STORE + sql.SQL(", noted AS (") + note + sql.SQL(") SELECT id, received_at FROM stored")


def facts_of(payload: IngestPayload) -> dict[str, Any]:
    """Return what the trail says of an upload."""
    return {
        "kind": str(payload.kind),
        "sha256": payload.sha256,
        "size_bytes": payload.size_bytes,
    }


def insert_new(payload: IngestPayload, actor: ActorLike) -> bool:
    """Insert a payload, or return false if the project has one of the same bytes or key.

    The trail has it within seconds: to append to its chain here would let uploads wait for one
    another.
    """
    values: list[Any] = [
        Jsonb(value) if name in JSON_COLUMNS else value
        for name in COLUMNS
        for value in [getattr(payload, name)]
    ]
    act = act_of(actor=actor, action="payload.received", target=payload, changes=facts_of(payload))
    with connection.cursor() as cursor:
        cursor.execute(insert(), [*values, *note_values(act, NOTED_BY_PROJECT)])
        row = cursor.fetchone()
    if row is None:
        return False
    payload.pk, payload.received_at = row
    payload._state.adding = False  # noqa: SLF001
    return True
