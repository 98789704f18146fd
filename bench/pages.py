"""Pages with many builds against few."""

from datetime import timedelta
from functools import partial
from typing import Any

from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from accounts.models import Project, User
from bench.builders import add_builders
from bench.database import copy_database
from bench.few_and_many import compare, tell
from bench.images import add_images
from builds.models import Build
from builds.partitions import ensure_partition, month_of
from cache.models import StepDay
from cache.rollups import roll_up_next
from cache.step_names import step_address
from sizes.models import SizedImage

FEW = 1_000
SIZES = {"small": 20_000, "medium": 100_000, "full": 1_000_000}
STEPS = 40
SERVICES = 10
DAYS = 720
ADDED_UP_DAYS = 200
"""What the cache's pages read, and so what is added up here, is the last half year."""

TARGET = 1.3

BUILDS = """
INSERT INTO builds_build (public_id, project_id, service_id, listed_at, started_at, completed_at,
    steps_month, buildkit_ref, builder, target, variant, environment, platforms, status, frontend,
    frontend_attrs, build_args, labels, trigger, repository_url, ref_name, revision, change_id,
    pipeline_name, pipeline_run_id, pipeline_run_url, wall_seconds, busy_seconds,
    critical_path_seconds, parallelism, idle_seconds, steps_total, steps_cached, cacheable_steps,
    cacheable_cached, cache_state, image_digest, failure_class, failure_evidence,
    failure_fingerprint, failure_vertex, failure_message, failure_filename, failure_lines,
    has_provenance, problems)
SELECT gen_random_uuid(), %(project)s::bigint,
    (SELECT min(id) FROM builds_service WHERE project_id = %(project)s::bigint)
        + n %% %(services)s::int, at, at, at + interval '90 s',
    date_trunc('month', at)::date, 'bench' || n, 'default', 'runtime',
    'prod', '', '{linux/amd64}', CASE WHEN n %% 20 = 0 THEN 'failed' ELSE 'succeeded' END, '', '{}',
    '{}', '{}', 'push', '', 'main', md5(n::text), '', 'ci', n::text, '', 60 + n %% 60, 200, 60, 2.5,
    1, 40, 10, 40, 10, 'partial', CASE WHEN n %% 20 = 0 THEN '' ELSE 'sha256:' ||
    repeat(md5(n %% %(services)s::int || '/' || n / (5 * %(services)s::int)), 2) END,
    '', '', '', '', '', '', '[]', false, '[]'
FROM (SELECT n, %(since)s + n * interval '1 day' * (%(days)s::float / (%(total)s::int + 1)) AS at
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

REASONS = """
INSERT INTO cache_stepreason (build_id, position, service_id, identity, cause, confidence, first,
    seconds, evidence, missing)
SELECT s.build_id, s.position, b.service_id, s.identity, CASE s.position %% 5 WHEN 1 THEN 'files'
    ELSE 'parent' END, 'high', s.position - (s.position - 1) %% 5, s.busy_seconds, '{}', '{}'
FROM builds_step s JOIN builds_build b ON b.id = s.build_id
WHERE s.build_id > %(after)s::bigint AND s.state = 'executed'
"""

STALE = """
INSERT INTO cache_staleday (service_id, day)
SELECT DISTINCT service_id, (listed_at AT TIME ZONE 'UTC')::date FROM builds_build
WHERE listed_at > now() - interval '1 day' * %(days)s::int
ON CONFLICT DO NOTHING
"""


def fill(project: Project, first: int, last: int) -> None:
    """Add builds ``first`` to ``last``, spread over two years, to now, of ten services.

    Five builds of a service in a row made the same image.
    """
    after = Build.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    values = {"project": project.pk, "services": SERVICES, "first": first, "last": last}
    with connection.cursor() as cursor:
        since = timezone.now() - timedelta(days=DAYS)
        cursor.execute(BUILDS, {**values, "since": since, "days": DAYS, "total": last})
        cursor.execute(STEP_ROWS, {"steps": STEPS, "after": after})
        cursor.execute(REASONS, {"after": after})
        cursor.execute(STALE, {"days": ADDED_UP_DAYS})
    while roll_up_next():
        pass
    add_images(project, after)
    add_builders(project, after)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def prepare(project: Project) -> None:
    """Make the services and the partitions."""
    for number in range(SERVICES):
        project.services.create(name=f"Service {number}", slug=f"service-{number}")
    for age in range(DAYS + 1):
        with transaction.atomic():
            ensure_partition(month_of(timezone.now() - timedelta(days=age)))


def paths_of(project: Project) -> dict[str, str]:
    """Return the pages that are timed; the build's is of one in the middle."""
    middle: Any = Build.objects.filter(status="succeeded").order_by("pk")
    build = middle[middle.count() // 2]
    listed = f"/projects/{project.slug}/builds/"
    image = SizedImage.objects.select_related("image").latest("at").image
    step = StepDay.objects.select_related("service__project").latest("day")
    return {
        "build_list": listed,
        "build_page": f"{listed}{build.public_id}/",
        "overview": f"/projects/{project.slug}/",
        "service_page": step.service.get_absolute_url(),
        "trend_page": f"{step.service.get_absolute_url()}trends/?days=180",
        "step_trend_page": f"{step.service.get_absolute_url()}trends/?days=180"
        f"&metric=step_seconds&step={step.identity}",
        "comparison": f"{step.service.get_absolute_url()}comparison/",
        "platforms": f"/projects/{project.slug}/platforms/",
        "sizes": f"{step.service.get_absolute_url()}sizes/",
        "images": f"/projects/{project.slug}/images/",
        "image": f"/projects/{project.slug}/images/{image.digest}/",
        "builders": f"/projects/{project.slug}/builders/",
        "builder": f"/projects/{project.slug}/builders/default/",
        "wall": f"/projects/{project.slug}/wall/",
        "recommendations": f"/projects/{project.slug}/recommendations/",
        "cache_page": f"/projects/{project.slug}/cache/",
        "cache_references": f"/projects/{project.slug}/cache/references/",
        "cache_storage": f"/projects/{project.slug}/cache/storage/",
        "cache_step": step_address(step.service, step.identity),
    }


def run(project: Project, user: User, size: str) -> None:
    """Print a line for each page: few and many builds in turn, the best of each."""
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    prepare(project)
    fill(project, 1, FEW)
    many = copy_database("few")
    fill(project, FEW + 1, SIZES[size])
    found = compare(client.get, partial(paths_of, project), "few", many)
    for name, compared in found.items():
        facts = {"builds": SIZES[size], "steps": SIZES[size] * STEPS}
        tell(name, compared, most=TARGET, floor_is=f"the same at {FEW} builds", **facts)
