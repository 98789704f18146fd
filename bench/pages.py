"""The build list and the build page, with many builds against few."""

from statistics import median
from typing import Any

from django.db import connection
from django.test import Client

from accounts.models import Project, User
from bench.report import report, seconds
from builds.models import Build
from builds.partitions import ensure_partition

FEW = 1_000
SIZES = {"small": 20_000, "medium": 100_000, "full": 1_000_000}
STEPS = 40
SERVICES = 10
MONTHS = 24
REQUESTS = 40
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


def measure(client: Client, path: str) -> tuple[float, int]:
    """Return the median seconds of a request and its number of queries."""
    for _ in range(5):
        client.get(path)
    queries = 0

    def count(execute: Any, *arguments: Any) -> Any:
        nonlocal queries
        queries += 1
        return execute(*arguments)

    with connection.execute_wrapper(count):
        answer = client.get(path)
    if answer.status_code != 200:
        raise RuntimeError(f"{path} answered {answer.status_code}")
    return median(seconds(lambda: client.get(path)) for _ in range(REQUESTS)), queries


def measure_all(client: Client, project: Project) -> dict[str, tuple[float, int]]:
    """Measure the list and the page of a build in the middle."""
    middle: Any = Build.objects.filter(status="succeeded").order_by("pk")
    build = middle[middle.count() // 2]
    listed = f"/projects/{project.slug}/builds/"
    paths = {"build_list": listed, "build_page": f"{listed}{build.public_id}/"}
    return {name: measure(client, path) for name, path in paths.items()}


def run(project: Project, user: User, size: str) -> None:
    """Print ``build_list`` and ``build_page``."""
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    prepare(project)
    fill(project, 1, FEW)
    few = measure_all(client, project)
    fill(project, FEW + 1, SIZES[size])
    many = measure_all(client, project)
    for name, (value, queries) in many.items():
        floor, few_queries = few[name]
        ok = value <= TARGET * floor and queries == few_queries
        report(
            name,
            value=value,
            floor=floor,
            unit="s",
            target="ratio <= 1.3, same queries",
            ok=ok,
            builds=SIZES[size],
            steps=SIZES[size] * STEPS,
            queries=[few_queries, queries],
            floor_is=f"the same at {FEW} builds",
        )
