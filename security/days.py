"""How many findings are open, and overdue, by day: kept as they change, so that no page counts."""

from collections.abc import Collection
from datetime import datetime

from django.db import connection

COUNT = """
INSERT INTO security_findingday AS kept
    (project_id, service_id, day, environment, base, severity, opened, overdue)
SELECT f.project_id, f.service_id, c.day, e.environment, f.base, f.severity,
    sum(c.opened), sum(c.overdue)
FROM security_finding f
CROSS JOIN LATERAL unnest(array_remove(f.environments, '') || ''::varchar) e (environment)
CROSS JOIN LATERAL (VALUES
    ((%(at)s::timestamptz AT TIME ZONE 'UTC')::date, %(sign)s, 0),
    ((greatest(%(at)s::timestamptz, f.due_at) AT TIME ZONE 'UTC')::date, 0, %(sign)s)
) c (day, opened, overdue)
WHERE f.id = ANY(%(findings)s::bigint[]) AND f.state = 'open'
    AND (c.overdue = 0 OR f.due_at IS NOT NULL)
GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 2, 3, 4, 5, 6
ON CONFLICT (service_id, day, environment, base, severity) DO UPDATE SET
    opened = kept.opened + EXCLUDED.opened, overdue = kept.overdue + EXCLUDED.overdue
"""


def take_off(findings: Collection[int], at: datetime) -> None:
    """Count findings that are open as open no more; they are about to change."""
    _count(findings, at, -1)


def put_on(findings: Collection[int], at: datetime) -> None:
    """Count findings that are open."""
    _count(findings, at, 1)


def _count(findings: Collection[int], at: datetime, sign: int) -> None:
    if not findings:
        return
    with connection.cursor() as cursor:
        cursor.execute(COUNT, {"findings": list(findings), "at": at, "sign": sign})
