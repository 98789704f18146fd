"""Open changes on the overview, as long as they are news."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Project, User
from builds.services import get_or_create_service
from tests.trends.test_trends import built
from trends.models import Change, Series

pytestmark = pytest.mark.django_db


def changed(project: Project, **fields: Any) -> Change:
    """A change for the worse of the service ``api``."""
    service = get_or_create_service(project_id=project.pk, name="api")
    build = built(service, timezone.now().date(), 10)
    series, _ = Series.objects.get_or_create(service=service, metric="wall_seconds", target="api")
    values: dict[str, Any] = {
        "kind": "step",
        "build": build,
        "seen_in": build,
        "direction": 1,
        "before": 50.0,
        "after": 65.0,
        "ratio": 0.3,
        "ratio_low": 0.2,
        "ratio_high": 0.4,
        "p_value": 0.0,
        "builds_before": 20,
        "builds_after": 5,
        "method": "x",
        "is_worse": True,
        "found_at": timezone.now(),
        "parts": [{"name": "RUN npm ci", "share": 0.9}],
        "causes": [
            {"cause": "dependency", "words": "Copied files changed: Changed: package-lock.json"}
        ],
    }
    return Change.objects.create(series=series, **values | fields)


def test_what_changed_says_by_which_step_and_why(
    project: Project, bob: User, client_of: Callable[[User], Client]
):
    change = changed(project)
    client = client_of(bob)
    page = client.get(f"/projects/{project.slug}/").content.decode()
    assert "Wall time of api up 30 %" in page
    assert "50 s before, 1 m 5 s since; 90% of it by RUN npm ci." in page
    assert "package-lock.json" in page
    assert change.get_absolute_url() in page
    own = client.get(change.series.service.get_absolute_url()).content.decode()
    assert "Wall time of api up 30 %" in own


@pytest.mark.parametrize(
    "fields",
    [
        {"state": "acknowledged"},
        {"state": "resolved"},
        {"is_worse": False},
        {"found_at": timezone.now() - timedelta(weeks=5)},
    ],
)
def test_what_is_no_news_needs_nobodys_attention(
    fields: dict[str, Any], project: Project, bob: User, client_of: Callable[[User], Client]
):
    changed(project, **fields)
    page = client_of(bob).get(f"/projects/{project.slug}/").content.decode()
    assert "Wall time of api up" not in page
