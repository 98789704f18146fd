"""Where findings stand: by the images they are in, the waivers and the statements about them."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from buildinsights.copying import copy_rows
from builds.branches import BranchClass
from security.days import put_on, take_off
from security.models import RemediationPolicy, Scan

BRANCHES = (BranchClass.CHANGE, BranchClass.OTHER)
"""Classes whose images are not in use yet: what is only there is not open."""

AT_ONCE = 5000
"""Findings that one statement settles."""

SEEN = """
SELECT f.id,
    CASE WHEN bool_or(l.branch_class <> ALL(%(branches)s::text[])) THEN 'open'
        WHEN bool_or(p.id IS NOT NULL) THEN 'branch' ELSE 'fixed' END AS seen_state,
    coalesce(array_agg(DISTINCT same.environment)
        FILTER (WHERE l.branch_class <> ALL(%(branches)s::text[])), '{}') AS environments
FROM {table} f
LEFT JOIN security_presence p ON p.finding_id = f.id AND p.ended_at IS NULL
LEFT JOIN security_lineage l ON l.id = p.lineage_id
LEFT JOIN security_lineage same ON same.service_id = l.service_id AND (same.id = l.id
    OR same.image_digest = l.image_digest AND l.image_digest <> ''
        AND same.platform = l.platform AND same.branch_class <> ALL(%(branches)s::text[]))
WHERE f.id = ANY(%(findings)s::bigint[])
GROUP BY f.id
"""
"""An image that is the newest of several environments is in all of them, whichever was scanned."""

WAIVER = """
SELECT w.id, w.expires_at FROM security_waiver w
WHERE w.project_id = f.project_id AND w.expires_at > %(now)s::timestamptz
    AND w.approved_at IS NOT NULL AND w.revoked_at IS NULL
    AND (w.finding_id = f.id OR w.finding_id IS NULL AND w.name = ANY(f.aliases || f.name)
        AND (w.service_id IS NULL OR w.service_id = f.service_id)
        AND (w.package = '' OR w.package = f.package))
    AND (w.environment = '' OR seen.environments <@ ARRAY[w.environment])
ORDER BY w.expires_at DESC, w.id LIMIT 1
"""
"""The waiver that covers a finding the longest; ``FindingQuerySet.covered_by`` is the way back."""

STATEMENT = """
SELECT told.id, told.status FROM security_presence p
JOIN security_lineage l ON l.id = p.lineage_id
LEFT JOIN LATERAL (
    SELECT v.id, v.status, v.stated_at FROM security_vexstatement v
    JOIN security_vexdocument d ON d.id = v.document_id AND NOT d.is_superseded
    WHERE v.project_id = f.project_id AND v.is_understood AND v.names && (f.aliases || f.name)
        AND (v.service_id IS NULL OR v.service_id = f.service_id)
        AND (v.package = '' OR v.package = f.package)
        AND v.version IN ('', p.installed_version)
        AND (v.image_digest = '' OR v.image_digest = ANY(l.digests))
        AND (v.image IN ('', l.image_name)
            OR right(l.image_name, length(v.image) + 1) = '/' || v.image)
    ORDER BY v.stated_at DESC, v.id DESC LIMIT 1
) told ON TRUE
WHERE p.finding_id = f.id AND p.ended_at IS NULL
    AND (seen.seen_state <> 'open' OR l.branch_class <> ALL(%(branches)s::text[]))
ORDER BY CASE WHEN told.id IS NULL THEN 2
    WHEN told.status IN ('not_affected', 'fixed') THEN 3 ELSE 1 END,
    told.stated_at DESC, told.id DESC
LIMIT 1
"""
"""The newest about a finding in one of its images, of those by which it stays open, if any does.

An image about which nothing is stated keeps it open, too. ``policies.excuses`` tells the same of
one image alone.
"""

SETTLE = f"""
WITH seen AS ({SEEN}), told AS (
    SELECT f.id, seen.seen_state, w.id AS waiver_id, w.expires_at,
        CASE WHEN seen.seen_state = 'fixed' THEN f.environments ELSE seen.environments
        END AS environments,
        v.id AS statement_id, v.status AS stated,
        f.seen_state AS was_seen, f.waiver_id AS had_waiver, f.statement_id AS had_statement,
        CASE WHEN f.seen_state = 'fixed' AND seen.seen_state <> 'fixed'
            THEN %(at)s::timestamptz ELSE f.reopened_at END AS reopened_at,
        CASE WHEN f.seen_state = 'branch' AND seen.seen_state = 'open'
            THEN %(at)s::timestamptz ELSE f.shipped_at END AS shipped_at,
        CASE f.severity WHEN 5 THEN coalesce(r.critical_days, %(critical_days)s)
            WHEN 4 THEN coalesce(r.high_days, %(high_days)s)
            WHEN 3 THEN coalesce(r.medium_days, %(medium_days)s)
            WHEN 2 THEN coalesce(r.low_days, %(low_days)s) END AS days
    FROM seen JOIN {{table}} f ON f.id = seen.id
    LEFT JOIN security_remediationpolicy r ON r.project_id = f.project_id
    LEFT JOIN LATERAL ({WAIVER}) w ON seen.seen_state <> 'fixed'
    LEFT JOIN LATERAL ({STATEMENT}) v
        ON seen.seen_state <> 'fixed' AND f.kind = 'vulnerability'
), ruled AS (
    SELECT told.*, CASE WHEN told.seen_state = 'fixed' THEN 'fixed'
            WHEN told.stated IN ('not_affected', 'fixed') THEN 'not_affected'
            WHEN told.waiver_id IS NOT NULL THEN 'waived' ELSE told.seen_state END AS state,
        CASE WHEN told.seen_state = 'fixed' THEN f.due_at
            ELSE coalesce(told.reopened_at, f.first_seen_at) + make_interval(days => told.days)
        END AS due_at
    FROM told JOIN {{table}} f USING (id)
), changed AS (
    UPDATE {{table}} f SET
        state = ruled.state, seen_state = ruled.seen_state, environments = ruled.environments,
        waiver_id = ruled.waiver_id, waived_until = ruled.expires_at,
        statement_id = ruled.statement_id, due_at = ruled.due_at,
        fixed_at = CASE WHEN ruled.seen_state <> 'fixed' THEN NULL
            WHEN ruled.was_seen = 'fixed' THEN f.fixed_at ELSE %(at)s::timestamptz END,
        fixed_by_id = CASE WHEN ruled.seen_state <> 'fixed' THEN NULL
            WHEN ruled.was_seen = 'fixed' THEN f.fixed_by_id ELSE %(build)s::bigint END,
        reopened_at = ruled.reopened_at, shipped_at = ruled.shipped_at,
        times_reopened = f.times_reopened
            + (ruled.was_seen = 'fixed' AND ruled.seen_state <> 'fixed')::int
    FROM ruled WHERE f.id = ruled.id
        AND (f.state, f.seen_state, f.environments, f.due_at, f.waived_until)
            IS DISTINCT FROM (ruled.state, ruled.seen_state, ruled.environments, ruled.due_at,
                ruled.expires_at)
        OR f.id = ruled.id AND (f.waiver_id, f.statement_id)
            IS DISTINCT FROM (ruled.waiver_id, ruled.statement_id)
    RETURNING f.project_id, ruled.*
)
INSERT INTO security_findingevent
    (project_id, finding_id, at, kind, scan_id, build_id, waiver_id, statement_id, actor, note)
SELECT c.project_id, c.id, coalesce(least(e.at, %(at)s::timestamptz), %(at)s::timestamptz),
    e.kind, %(scan)s::bigint, %(build)s::bigint, e.waiver_id, e.statement_id, '', ''
FROM changed c LEFT JOIN security_waiver had ON had.id = c.had_waiver
CROSS JOIN LATERAL (VALUES
    (1, c.was_seen = '', 'opened', NULL::timestamptz, NULL::bigint, NULL::bigint),
    (2, c.was_seen = 'fixed' AND c.seen_state <> 'fixed', 'reopened', NULL, NULL, NULL),
    (3, c.was_seen NOT IN ('', 'fixed') AND c.seen_state = 'fixed', 'fixed', NULL, NULL, NULL),
    (4, c.was_seen = 'branch' AND c.seen_state = 'open', 'shipped', NULL, NULL, NULL),
    (5, c.was_seen = 'open' AND c.seen_state = 'branch', 'withdrawn', NULL, NULL, NULL),
    (6, c.had_waiver <> coalesce(c.waiver_id, 0) AND c.seen_state <> 'fixed',
        CASE WHEN had.revoked_at IS NOT NULL THEN 'waiver_revoked'
            WHEN had.expires_at <= %(now)s::timestamptz THEN 'waiver_expired'
            ELSE 'waiver_left' END,
        CASE WHEN had.expires_at <= %(now)s::timestamptz THEN had.expires_at END,
        c.had_waiver, NULL),
    (7, c.waiver_id <> coalesce(c.had_waiver, 0), 'waived', NULL, c.waiver_id, NULL),
    (8, c.had_statement IS NOT NULL AND c.statement_id IS NULL AND c.seen_state <> 'fixed',
        'statement_left', NULL, NULL, c.had_statement),
    (9, c.statement_id <> coalesce(c.had_statement, 0), 'stated', NULL, NULL, c.statement_id)
) e (place, has_happened, kind, at, waiver_id, statement_id)
WHERE e.has_happened
ORDER BY c.id, e.place
"""  # noqa: S608


KEPT = "security_finding"
FRESH = "security_fresh"
"""The table of findings, and one like it for those that are not in it yet."""

NEXT_KEYS = "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)"


def settle(
    findings: Collection[int], at: datetime, scan: Scan | None = None, *, table: str = KEPT
) -> None:
    """Set the states of findings anew, and write down what that changes for each.

    A finding that was never settled has no state yet. All that may have changed for one counts:
    what it is in, waivers, statements, days until it is due.
    """
    statement = SETTLE.replace("{table}", table)
    ordered = sorted(findings)
    for start in range(0, len(ordered), AT_ONCE):
        with connection.cursor() as cursor:
            cursor.execute(statement, _values(ordered[start : start + AT_ONCE], at, scan))


def next_keys(count: int) -> list[int]:
    """Return primary keys for as many findings that are to come."""
    with connection.cursor() as cursor:
        cursor.execute(NEXT_KEYS, [KEPT, count])
        return [key for (key,) in cursor.fetchall()]


def keep_fresh(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], findings: Collection[int], scan: Scan
) -> None:
    """Add findings whose presences are there already, settled and counted.

    They are settled in a table of their own, so that each row is written to the large one, with
    its indexes, once and not twice. Foreign keys to them are checked at the end.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE {FRESH} (LIKE {KEPT} INCLUDING DEFAULTS)")
        copy_rows(FRESH, columns, rows)
        settle(findings, scan.received_at, scan, table=FRESH)
        cursor.execute(f"INSERT INTO {KEPT} SELECT * FROM {FRESH}")  # noqa: S608  # ours both
        cursor.execute(f"DROP TABLE {FRESH}")
    put_on(findings, scan.received_at)


@contextmanager
def changing(findings: set[int], at: datetime, scan: Scan | None = None) -> Iterator[set[int]]:
    """Settle findings after what is done to them within, and count them by day.

    Findings that come up meanwhile are added to the set.
    """
    with transaction.atomic():
        take_off(findings, at)
        yield findings
        settle(findings, at, scan)
        put_on(findings, at)


def _values(findings: list[int], at: datetime, scan: Scan | None) -> dict[str, Any]:
    defaults = RemediationPolicy()
    names = ("critical_days", "high_days", "medium_days", "low_days")
    return {
        "branches": [str(name) for name in BRANCHES],
        "findings": findings,
        "at": at,
        "now": timezone.now(),
        "scan": scan.pk if scan else None,
        "build": scan.build_id if scan else None,
        **{name: getattr(defaults, name) for name in names},
    }
