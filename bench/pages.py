"""The build list and the build page, with many builds against few."""

from functools import partial
from statistics import median
from typing import Any

from django.db import connection
from django.test import Client

from accounts.models import Project, User
from bench.database import copy_database, count_queries, use_database
from bench.report import report, seconds
from builds.models import Build
from builds.partitions import ensure_partition

FEW = 1_000
SIZES = {"small": 20_000, "medium": 100_000, "full": 1_000_000}
STEPS = 40
SERVICES = 10
MONTHS = 24
ROUNDS = 5
WARM_UP = 5
REQUESTS = 20
TARGET = 1.3

BUILDS = """
INSERT INTO builds_build (public_id, project_id, service_id, listed_at, started_at, completed_at,
    steps_month, buildkit_ref, builder, target, variant, environment, platforms, status, frontend,
    frontend_attrs, build_args, labels, trigger, repository_url, ref_name, revision, change_id,
    pipeline_name, pipeline_run_id, pipeline_run_url, wall_seconds, busy_seconds,
    critical_path_seconds, parallelism, idle_seconds, steps_total, steps_cached, cacheable_steps,
    cacheable_cached, cache_state, image_digest, failure_class, failure_fingerprint, failure_vertex,
    failure_message, failure_filename, failure_lines, has_provenance, problems)
SELECT gen_random_uuid(), %(project)s::bigint,
    (SELECT min(id) FROM builds_service) + n %% %(services)s::int, at, at, at + interval '90 s',
    date_trunc('month', at)::date, 'bench' || n, 'default', 'runtime',
    'prod', '', '{linux/amd64}', CASE WHEN n %% 20 = 0 THEN 'failed' ELSE 'succeeded' END, '', '{}',
    '{}', '{}', 'push', '', 'main', md5(n::text), '', 'ci', n::text, '', 60 + n %% 60, 200, 60, 2.5,
    1, 40, 10, 30, 10, 'partial', '', '', '', '', '', '', '[]', false, '[]'
FROM (SELECT n, timestamptz '2024-11-01' + n * interval '1 s' * (62200000.0 / %(total)s::int) AS at
    FROM generate_series(%(first)s::int, %(last)s::int) AS n) AS numbered
"""

STEP_ROWS = """
INSERT INTO builds_step (month, build_id, position, vertex_digest, name, kind, state, stage,
    platform, identity, inputs, intervals, started_at, completed_at, busy_seconds, slack_seconds,
    critical, what_if_seconds, dockerfile_name, dockerfile_line, layer_digest, error)
SELECT b.steps_month, b.id, s, 'sha256:' || md5(b.id::text || s), '[build ' || s || '/40] RUN make',
    'run', CASE WHEN s %% 4 = 0 THEN 'cached' ELSE 'executed' END, 'build', 'linux/amd64',
    md5(s::text), ARRAY[s - 1], ARRAY[ARRAY[s, s + 1.5]], b.started_at, b.completed_at, 1.5, 0,
    s %% 3 = 0, 1.5, 'Dockerfile', s, '', ''
FROM builds_build b, generate_series(1, %(steps)s::int) AS s WHERE b.id > %(after)s::bigint
"""


def fill(project: Project, first: int, last: int) -> None:
    """Add builds ``first`` to ``last``, spread over two years and ten services."""
    after = Build.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    values = {"project": project.pk, "services": SERVICES, "first": first, "last": last}
    with connection.cursor() as cursor:
        cursor.execute(BUILDS, values | {"total": last})
        cursor.execute(STEP_ROWS, {"steps": STEPS, "after": after})
        cursor.execute("VACUUM ANALYZE")


def prepare(project: Project) -> None:
    """Make the services and the partitions."""
    from datetime import date

    from django.db import transaction

    for number in range(SERVICES):
        project.services.create(name=f"Service {number}", slug=f"service-{number}")
    for index in range(MONTHS + 1):
        with transaction.atomic():
            ensure_partition(date(2024 + (10 + index) // 12, (10 + index) % 12 + 1, 1))


def paths_of(project: Project) -> dict[str, str]:
    """Return the list, and the page of a build in the middle."""
    middle: Any = Build.objects.filter(status="succeeded").order_by("pk")
    build = middle[middle.count() // 2]
    listed = f"/projects/{project.slug}/builds/"
    return {"build_list": listed, "build_page": f"{listed}{build.public_id}/"}


def run(project: Project, user: User, size: str) -> None:
    """Print ``build_list`` and ``build_page``: few and many builds in turn, the best of each."""
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    prepare(project)
    fill(project, 1, FEW)
    databases = {"few": "few", "many": copy_database("few")}
    fill(project, FEW + 1, SIZES[size])
    best: dict[tuple[str, str], float] = {}
    queries: dict[tuple[str, str], int] = {}
    for _ in range(ROUNDS):
        for label, database in databases.items():
            use_database(database)
            for name, path in paths_of(project).items():
                queries[name, label] = [
                    count_queries(partial(client.get, path)) for _ in range(WARM_UP)
                ][-1]
                taken = median(seconds(partial(client.get, path)) for _ in range(REQUESTS))
                best[name, label] = min(taken, best.get((name, label), taken))
    for name in ("build_list", "build_page"):
        value, floor = best[name, "many"], best[name, "few"]
        counts = [queries[name, "few"], queries[name, "many"]]
        report(
            name,
            value=value,
            floor=floor,
            unit="s",
            target="ratio <= 1.3, same queries",
            ok=value <= TARGET * floor and counts[0] == counts[1],
            builds=SIZES[size],
            steps=SIZES[size] * STEPS,
            queries=counts,
            floor_is=f"the same at {FEW} builds",
        )
