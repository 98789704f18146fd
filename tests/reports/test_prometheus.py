"""Numbers for Prometheus: of the actor's services alone, in its own format."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Scope
from accounts.services import create_project
from builds.models import Build
from builds.services import get_or_create_service
from cache.tasks import roll_up_stale
from farm.models import Source
from farm.queueing import Wish
from farm.services import trigger
from tests.trends.test_trends import built
from trends.following import follow_next
from trends.models import Change, Series

pytestmark = pytest.mark.django_db


def values_of(labels: dict[str, str]) -> list[str]:
    """Project and service first."""
    first = ("project", "service")
    return [labels[name] for name in (*first, *(labels.keys() - set(first)))]


def gauges(client: APIClient) -> dict[tuple[str, ...], float]:
    """Numbers by name and values of labels."""
    answer = client.get("/api/v1/metrics/")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    return {
        (sample.name.removeprefix("buildinsights_"), *values_of(sample.labels)): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


def test_numbers_are_of_the_last_days_and_of_ones_own_projects(
    project: Project, alice: User, carol: User, api_of: Callable[..., APIClient]
):
    today = timezone.now().date()
    service = get_or_create_service(project_id=project.pk, name='a "b"')
    for wall in (10, 20, 30):
        built(service, today, wall, image_bytes=1000, hit_ratio_time=0.5)
    built(service, today, 5, status=Build.Status.FAILED)
    built(service, today - timedelta(days=7), 500)
    elsewhere = create_project(name="Other", owner=carol)
    built(get_or_create_service(project_id=elsewhere.pk, name="secret"), today, 1)
    source = Source.objects.create(service=service, repository_url="https://x.example/y")
    trigger(sources=[source], wish=Wish(), actor=alice)
    roll_up_stale()
    while follow_next():
        pass
    client = api_of(Scope.BUILDS_READ)
    with CaptureQueriesContext(connection) as queries:
        found = gauges(client)
    assert len(queries) <= 8
    own = (project.slug, service.slug)
    assert found["builds", *own, "succeeded"] == 3
    assert found["builds", *own, "failed"] == 1
    assert found["wall_seconds", *own, "0.5"] == pytest.approx(20, rel=0.01)
    assert found["wall_seconds", *own, "0.9"] == pytest.approx(28, rel=0.01)
    assert found["image_bytes", *own, "0.5"] == pytest.approx(1000, rel=0.01)
    assert found["hit_ratio_time", *own, "0.5"] == 0.5
    assert found["requests", *own, "ready"] == 1
    assert not any("secret" in key for key in found)


def test_open_changes_are_counted(project: Project, api_of: Callable[..., APIClient]):
    service = get_or_create_service(project_id=project.pk, name="api")
    build = built(service, timezone.now().date(), 10)
    series = Series.objects.create(service=service, metric="wall_seconds")
    for number, state in enumerate(("new", "acknowledged", "reopened")):
        other = built(service, timezone.now().date(), 10 + number)
        Change.objects.create(
            series=series,
            kind="step",
            state=state,
            build=other,
            seen_in=build,
            direction=1,
            before=1,
            after=2,
            ratio=1,
            ratio_low=1,
            ratio_high=1,
            p_value=0,
            builds_before=1,
            builds_after=1,
            method="x",
            is_worse=True,
            found_at=timezone.now(),
        )
    found = gauges(api_of(Scope.BUILDS_READ))
    assert found["open_changes", project.slug, service.slug, "wall_seconds"] == 2


def test_it_takes_the_right_to_read_builds(api_of: Callable[..., APIClient]):
    assert APIClient().get("/api/v1/metrics/").status_code == 401
    assert api_of(Scope.INGEST_WRITE).get("/api/v1/metrics/").status_code == 403
