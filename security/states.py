"""Whether a finding is open, told from the lineages in which it is."""

from collections.abc import Collection
from typing import Any

from django.db import connection

from builds.branches import BranchClass
from security.models import Scan

BRANCHES = (BranchClass.CHANGE, BranchClass.OTHER)
"""Classes whose images are not in use yet: what is only there is not open."""

SETTLE = """
WITH told AS (
    SELECT f.id, f.state AS before, CASE
        WHEN bool_or(p.id IS NOT NULL AND l.branch_class <> ALL(%(branches)s::text[])) THEN 'open'
        WHEN bool_or(p.id IS NOT NULL) THEN 'branch'
        ELSE 'fixed' END AS state
    FROM security_finding f
    LEFT JOIN security_presence p ON p.finding_id = f.id AND p.ended_at IS NULL
    LEFT JOIN security_lineage l ON l.id = p.lineage_id
    WHERE f.id = ANY(%(findings)s::bigint[])
    GROUP BY f.id
)
UPDATE security_finding f SET
    state = told.state,
    fixed_at = CASE WHEN told.state = 'fixed' THEN %(at)s::timestamptz END,
    fixed_by_id = CASE WHEN told.state = 'fixed' THEN %(build)s::bigint END,
    reopened_at = CASE WHEN told.before = 'fixed' THEN %(at)s::timestamptz ELSE f.reopened_at END,
    times_reopened = f.times_reopened + (told.before = 'fixed')::int
FROM told WHERE f.id = told.id AND told.state <> told.before
"""


def settle(findings: Collection[int], scan: Scan) -> None:
    """Set the states of findings that came or went with a scan."""
    if not findings:
        return
    values: dict[str, Any] = {
        "branches": [str(name) for name in BRANCHES],
        "findings": list(findings),
        "at": scan.received_at,
        "build": scan.build_id,
    }
    with connection.cursor() as cursor:
        cursor.execute(SETTLE, values)
