"""How long builds usually take, for many combinations at once."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Project
from builds.models import Build
from builds.querysets import USUAL_BUILDS
from builds.services import get_or_create_service
from farm.estimates import usual_key, usual_seconds

pytestmark = pytest.mark.django_db


def past(project: Project, name: str, *walls: float | None, **fields: Any) -> Build:
    """Make builds with those wall times, the last one first, and return the last one."""
    service = get_or_create_service(project_id=project.pk, name=name)
    now = timezone.now()
    values = {"status": "succeeded", "steps_month": now.date().replace(day=1)} | fields
    builds = Build.objects.bulk_create(
        Build(
            project=project,
            service=service,
            wall_seconds=wall,
            listed_at=now - timedelta(minutes=age),
            **values,
        )
        for age, wall in enumerate(walls)
    )
    return builds[0]


def test_the_usual_is_the_median_of_the_last_succeeded_ones_of_each_combination(project: Project):
    api = past(project, "api", 1, 2, None, 6, 7)
    past(project, "api", 900, 900, 900, status="failed")
    arm = past(project, "api", 30, variant="arm")
    live = past(project, "api", 40, variant="arm", environment="live")
    web = past(project, "web", *[5] * USUAL_BUILDS, *[900] * 3 * USUAL_BUILDS)
    unknown = past(project, "new", 3, status="running")
    usual = usual_seconds([api, arm, live, web, web, unknown])
    assert usual == {usual_key(api): 4, usual_key(arm): 30, usual_key(live): 40, usual_key(web): 5}


def test_any_number_of_combinations_is_one_query(project: Project, django_assert_num_queries: Any):
    builds = [past(project, "api", 3, variant=f"v{number}") for number in range(50)]
    with django_assert_num_queries(1):
        assert len(usual_seconds(builds)) == 50
    with django_assert_num_queries(0):
        assert usual_seconds([]) == {}
