"""A thousand rules over a thousand services, evaluated at once, against reading the same rows.

Rules are of six kinds; most are about one service, some about all. What they look at are four weeks
of days of a service, a change for the worse in every tenth one, and a vulnerability in every fifth.
"""

from datetime import timedelta
from functools import partial
from time import perf_counter, process_time
from typing import Any

from django.db import connection
from django.utils import timezone

from accounts.models import Project
from alerts.evaluating import evaluate_due
from alerts.models import Alert, AlertRule
from bench.database import count_queries
from bench.report import report, seconds
from builds.models import Service
from builds.partitions import month_of

SERVICES = 1_000
RULES = 1_000
DAYS = 28
TARGET_SECONDS = 20.0
ALL_OF_THEM = 50
"""Rules that are about all services."""

KINDS: tuple[tuple[str, dict[str, Any], dict[str, Any]], ...] = (
    ("change", {"least_percent": 20}, {"least_percent": 60}),
    (
        "threshold",
        {"metric": "wall_seconds", "statistic": "p90", "days": 7, "limit": 75},
        {"metric": "wall_seconds", "statistic": "p90", "days": 7, "limit": 750},
    ),
    (
        "threshold",
        {"metric": "wall_seconds", "days": 1, "percent": 50, "baseline_days": 27},
        {"metric": "wall_seconds", "days": 1, "percent": 80, "baseline_days": 27},
    ),
    (
        "success",
        {"by": "ratio", "least_ratio": 0.5, "days": 7},
        {"by": "ratio", "least_ratio": 0.6, "days": 7},
    ),
    ("vulnerability", {"severity": "critical"}, {"severity": "critical", "days": 1}),
    ("missing", {"days": 3}, {"days": 4}),
)
"""With parameters of rules about one service, some of which fire; and about all, none of which do:
a thousand alerts at once are no ordinary minute."""

FILL_DAYS = """
INSERT INTO trends_buildday (service_id, day, target, variant, environment, platforms, branch_class,
    cache_state, builds, succeeded, failed, spent_seconds, cacheable_steps, cached_steps, sketches)
SELECT s.id, %(today)s::date - d, 'api', '', '', 'linux/amd64', 'default', 'partial', 20, 19, 1,
    1200, 200, 100, jsonb_build_object('wall_seconds', jsonb_build_object(
        'e' || 200 + s.id %% 20, 10, 'e' || 205 + s.id %% 20, 9))
FROM builds_service s, generate_series(0, %(days)s::int - 1) AS d
WHERE s.project_id = %(project)s::bigint
"""

FILL_BUILDS = """
INSERT INTO builds_build (public_id, project_id, service_id, listed_at, status, target, revision,
    steps_month, platforms, frontend_attrs, build_args, labels, failure_lines, problems,
    buildkit_ref, builder, variant, environment, frontend, trigger, repository_url, ref_name,
    change_id, pipeline_name, pipeline_run_id, pipeline_run_url, cache_state, image_digest,
    failure_class, failure_evidence, failure_fingerprint, failure_vertex, failure_message,
    failure_filename, busy_seconds, critical_path_seconds, steps_total, steps_cached,
    cacheable_steps, cacheable_cached, has_provenance, wall_seconds)
SELECT gen_random_uuid(), s.project_id, s.id, %(now)s::timestamptz - interval '1 day', 'succeeded',
    'api', md5(s.id::text), %(month)s::date, '{linux/amd64}', '{}', '{}', '{}', '[]', '[]',
    '', '', '', '', '', '', '', 'main', '', '', '', '', 'partial', '', '', '', '', '', '', '',
    0, 0, 0, 0, 0, 0, false, 90
FROM builds_service s WHERE s.project_id = %(project)s::bigint AND s.id %% 10 = 0
"""

FILL_CHANGES = """
WITH series AS (
    INSERT INTO trends_series (service_id, target, variant, environment, platforms, metric, state,
        recent, builds)
    SELECT s.id, 'api', '', '', 'linux/amd64', 'wall_seconds', '{}', '[]', 40
    FROM builds_service s WHERE s.project_id = %(project)s::bigint AND s.id %% 10 = 0
    RETURNING id, service_id
)
INSERT INTO trends_change (series_id, public_id, kind, state, build_id, seen_in_id, direction,
    before, after, ratio, ratio_low, ratio_high, p_value, builds_before, builds_after, method,
    parameters, parts, causes, is_worse, is_slight, found_at, acknowledged_by, reason)
SELECT series.id, gen_random_uuid(), 'step', 'new', b.id, b.id, 1, 60, 90, 0.5, 0.4, 0.6, 0.001, 20,
    5, 'bench', '{}', '[]', '[]', true, false, %(now)s::timestamptz - interval '1 hour', '', ''
FROM series JOIN builds_build b ON b.service_id = series.service_id
"""

FILL_FINDINGS = """
INSERT INTO security_finding (public_id, project_id, service_id, key, kind, target_class, package,
    name, resource, aliases, severity, severity_source, cvss_vector, title, url, fixed_version,
    state, seen_state, environments, first_seen_at, times_reopened, layer_digest, instruction, base)
SELECT gen_random_uuid(), s.project_id, s.id, decode(md5(s.id::text), 'hex'), 'vulnerability',
    'os-pkgs', 'pkg:deb/debian/openssl', 'CVE-2026-' || s.id, '', '{}', 5, 'debian', '', '', '',
    '3.0.9', 'open', 'open', '{production}', %(now)s::timestamptz - interval '2 days', 0, '', '', ''
FROM builds_service s WHERE s.project_id = %(project)s::bigint AND s.id %% 5 = 0
"""

FLOOR = """
SELECT count(*), sum(length(sketches::text)) FROM trends_buildday d
JOIN builds_service s ON s.id = d.service_id WHERE s.project_id = %(project)s::bigint
UNION ALL SELECT count(*), sum(length(c.causes::text)) FROM trends_change c
JOIN trends_series r ON r.id = c.series_id JOIN builds_service s ON s.id = r.service_id
WHERE s.project_id = %(project)s::bigint
UNION ALL SELECT count(*), sum(severity) FROM security_finding
WHERE project_id = %(project)s::bigint
"""


def fill(project: Project) -> dict[str, Any]:
    """Make services and what is recorded of them."""
    names = [f"alerts-{number}" for number in range(SERVICES)]
    Service.objects.bulk_create(Service(project=project, name=name, slug=name) for name in names)
    now = timezone.now()
    values: dict[str, Any] = {
        "project": project.pk,
        "now": now,
        "today": now.date(),
        "days": DAYS,
        "month": month_of(now - timedelta(days=1)),
    }
    with connection.cursor() as cursor:
        for statement in (FILL_DAYS, FILL_BUILDS, FILL_CHANGES, FILL_FINDINGS):
            cursor.execute(statement, values)
        cursor.execute("VACUUM ANALYZE")
    return values


def add_rules(project: Project) -> None:
    """Make rules, of each kind in turn."""
    services = list(Service.objects.filter(project=project).order_by("pk"))
    for number in range(RULES):
        kind, of_one, of_all = KINDS[number % len(KINDS)]
        rule = AlertRule.objects.create(
            project=project,
            name=f"rule {number}",
            kind=kind,
            parameters=of_all if number < ALL_OF_THEM else of_one,
            settle_seconds=0,
            every_seconds=300,
        )
        if number >= ALL_OF_THEM:
            rule.services.set([services[number % SERVICES]])


def run(project: Project) -> None:
    """Print a line for the first evaluation, which opens alerts, and for one without news."""
    values = fill(project)
    add_rules(project)
    floor = min(seconds(lambda: _read(values)) for _ in range(5))
    for name, wait in (("alerts_opening", 0), ("alerts_quiet", 600)):
        at = timezone.now() + timedelta(seconds=wait)
        begun, worked = perf_counter(), process_time()
        queries = count_queries(partial(evaluate_due, at))
        taken, worked = perf_counter() - begun, process_time() - worked
        report(
            name,
            value=taken,
            floor=floor,
            unit="s",
            target=f"<= {TARGET_SECONDS:g} s",
            ok=taken <= TARGET_SECONDS,
            floor_is="reading the same rows by plain SQL, once",
            rules=RULES,
            services=SERVICES,
            queries=queries,
            process_seconds=round(worked, 2),
            alerts=Alert.objects.filter(project=project).count(),
            failed=AlertRule.objects.filter(project=project).exclude(error="").count(),
        )


def _read(values: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(FLOOR, values)
        cursor.fetchall()
