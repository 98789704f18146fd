"""Rows of a builder for the pages that are timed."""

from typing import Any

from django.db import connection
from django.utils import timezone

from accounts.models import Project
from builds.models import Build, Service
from cache.forms import DAYS
from resources.hours import roll_up_next
from resources.models import Finding

ADDED_UP_DAYS = max(days for days, _ in DAYS)
"""What the pages of builders read, and so what is added up here."""

STAYS = """
INSERT INTO resources_stay (build_id, project_id, builder, start, "end")
SELECT id, project_id, builder, started_at, least(started_at + interval '1 day',
    greatest(completed_at, lead(started_at) OVER (ORDER BY started_at)))
FROM builds_build WHERE id > %(after)s::bigint
"""
"""Until the next one comes: of few builds the pages have as many hours to show as of many."""

SAMPLES = """
INSERT INTO builds_resourceseries (build_id, offsets_seconds, cpu_ratio, memory_used_bytes,
    memory_total_bytes, disk_read_bytes, disk_write_bytes, network_rx_bytes, network_tx_bytes)
SELECT build_id, ARRAY(
        SELECT n * extract(epoch FROM "end" - start) / 6 FROM generate_series(1, 6) AS n),
    '{0.2,0.9,0.95,0.6,0.4,0.1}',
    '{2000000000,3000000000,4000000000,4000000000,3000000000,2000000000}', 8000000000,
    '{0,1,2,3,4,5}', '{0,2,4,6,8,10}', '{0,1,2,3,4,5}', '{0,2,4,6,8,10}'
FROM resources_stay
WHERE build_id > %(after)s::bigint AND start > now() - interval '1 day' * %(days)s::int
"""

WAITING = """
INSERT INTO resources_waitinghour (project_id, builder, hour)
SELECT DISTINCT project_id, builder, hour
FROM resources_stay, generate_series(date_trunc('hour', start, 'UTC'), "end", '1 hour') AS hour
WHERE build_id > %(after)s::bigint AND start > now() - interval '1 day' * %(days)s::int
ON CONFLICT DO NOTHING
"""


def add_builders(project: Project, after: int) -> None:
    """Add the stays of the builds after that key, their samples, hours and findings."""
    with connection.cursor() as cursor:
        for statement in (STAYS, SAMPLES, WAITING):
            cursor.execute(statement, {"after": after, "days": ADDED_UP_DAYS})
    while roll_up_next():
        pass
    Finding.objects.filter(project=project).update(found=_found(project), made_at=timezone.now())


def _found(project: Project) -> dict[str, Any]:
    """Return findings of a group for each service and of the last ten builds.

    Not worked out: few builds in two years are never beside each other, many always are.
    """
    alike = {"target": "runtime", "variant": "prod", "platforms": "linux/amd64"}
    group = alike | {"cache_state": "partial", "alone": 7, "beside": 7}
    unknown = dict.fromkeys(("slope", "low", "high"))
    services = Service.objects.filter(project=project).order_by("pk")
    builds = Build.objects.filter(project=project).newest_first()[:10]
    return {
        "builds": 2_000,
        "slowdown": None,
        "groups": [{"service": service.pk} | group | unknown for service in services],
        "slowest": [{"build": build.pk, "ratio": 1.5, "others": 1.0} for build in builds],
        "memory": None,
        "slots": {"verdict": "too_few", "slots": None, "loads": []},
    }
