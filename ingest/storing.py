"""One statement for one upload: it inserts, or tells that there is such a payload already."""

from typing import Any

from django.db import connection
from psycopg import sql
from psycopg.types.json import Jsonb

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

INSERT = sql.SQL(
    "INSERT INTO {table} ({columns}) VALUES ({values}) ON CONFLICT DO NOTHING"
    " RETURNING id, received_at"
).format(
    table=sql.Identifier(IngestPayload._meta.db_table),  # noqa: SLF001
    columns=sql.SQL(", ").join(map(sql.Identifier, COLUMNS)),
    values=sql.SQL(", ").join(sql.Placeholder() * len(COLUMNS)),
)


def insert_new(payload: IngestPayload) -> bool:
    """Insert a payload, or return false if the project has one of the same bytes or key."""
    values: list[Any] = [
        Jsonb(value) if name in JSON_COLUMNS else value
        for name in COLUMNS
        for value in [getattr(payload, name)]
    ]
    with connection.cursor() as cursor:
        cursor.execute(INSERT, values)
        row = cursor.fetchone()
    if row is None:
        return False
    payload.pk, payload.received_at = row
    payload._state.adding = False  # noqa: SLF001
    return True
