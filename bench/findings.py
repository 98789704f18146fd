"""Lists of findings, of many against few: a third is open, a tenth waived, the others are fixed."""

from functools import partial
from typing import Any

from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import Project, User
from bench.database import copy_database
from bench.few_and_many import compare, tell
from builds.models import Service

FEW = 20_000
SIZES = {"small": 200_000, "medium": 500_000, "full": 2_000_000}
SERVICES = 20
DAYS = 360
TARGET = 1.3

FINDINGS = """
INSERT INTO security_finding (public_id, project_id, service_id, key, kind, target_class, package,
    name, resource, aliases, severity, severity_source, cvss_vector, title, url, fixed_version,
    state, seen_state, waived_until, due_at, environments, first_seen_at, fixed_at,
    times_reopened, layer_digest, instruction, base)
SELECT gen_random_uuid(), %(project)s::bigint, %(service)s::bigint + n %% %(services)s::int,
    decode(md5(n::text), 'hex'), 'vulnerability', 'os-pkgs', 'pkg:deb/debian/package-' || n %% 5000,
    'CVE-' || n, '', '{}', 2 + n %% 4, 'debian', '', 'overflow', '', '2.' || n %% 9, s.state,
    CASE s.state WHEN 'waived' THEN 'open' ELSE s.state END,
    CASE s.state WHEN 'waived' THEN %(now)s::timestamptz + interval '30 days' END,
    s.at + interval '90 days', '{production}', s.at,
    CASE s.state WHEN 'fixed' THEN s.at + interval '20 days' END, 0, '', '', ''
FROM (SELECT n, %(now)s::timestamptz - (n %% %(days)s::int) * interval '1 day' AS at,
    CASE WHEN n %% 30 < 10 THEN 'open' WHEN n %% 30 < 13 THEN 'waived' ELSE 'fixed' END AS state
    FROM generate_series(%(first)s::int, %(last)s::int) AS n) AS s
"""

SUMS = """
INSERT INTO security_findingday AS kept (project_id, service_id, day, environment, base, severity,
    opened, overdue)
SELECT project_id, service_id, (first_seen_at AT TIME ZONE 'UTC')::date, e.environment, base,
    severity, count(*), 0
FROM security_finding CROSS JOIN (VALUES (''), ('production')) e (environment)
WHERE project_id = %(project)s::bigint AND state = 'open'
GROUP BY 1, 2, 3, 4, 5, 6
ON CONFLICT (service_id, day, environment, base, severity) DO UPDATE SET opened = EXCLUDED.opened
"""


def fill(project: Project, first: int, last: int) -> None:
    """Add findings with the sums by day, and let the planner know."""
    named = Service.objects.filter(project=project).order_by("pk")
    values: dict[str, Any] = {
        "project": project.pk,
        "service": named[0].pk,
        "services": SERVICES,
        "now": timezone.now(),
        "days": DAYS,
        "first": first,
        "last": last,
    }
    with connection.cursor() as cursor:
        cursor.execute(FINDINGS, values)
        cursor.execute(SUMS, values)
        cursor.execute("VACUUM ANALYZE security_finding")
        cursor.execute("VACUUM ANALYZE security_findingday")


def paths_of(project: Project) -> dict[str, str]:
    """Return what is measured, by name."""
    page = f"/projects/{project.slug}/findings/"
    return {
        "findings_page": page,
        "findings_of_service": f"{page}?service=s7&severity=CRITICAL",
        "findings_overdue": f"{page}?due=overdue",
        "findings_fixed": f"{page}?state=fixed",
        "findings_by_id": f"{page}?name=CVE-777&state=",
        "findings_list": f"/api/v1/findings/?project={project.slug}&state=open",
    }


def run(project: Project, user: User, size: str) -> None:
    """Print a line for each list: few and many findings in turn, the best of each."""
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    names = [f"s{number}" for number in range(SERVICES)]
    Service.objects.bulk_create(Service(project=project, name=name, slug=name) for name in names)
    fill(project, 1, FEW)
    few = "few-findings"
    many = copy_database(few)
    fill(project, FEW + 1, SIZES[size])
    found = compare(client.get, partial(paths_of, project), few, many)
    for name, compared in found.items():
        floor_is = f"the same at {FEW} findings"
        tell(name, compared, most=TARGET, floor_is=floor_is, findings=SIZES[size])
