"""Open changes on the overview, as long as they are news."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Project, User
from builds.models import Build, Service
from builds.services import get_or_create_service
from farm.models import BuildRequest
from recommendations.models import Recommendation
from reports.attention import commit_of
from reports.overview import overview_page
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


def advised(service: Service, seconds: float, title: str) -> None:
    Recommendation.objects.create(
        project=service.project,
        service=service,
        digest=f"{len(title):032}",
        kind="layer",
        title=title,
        unit="s",
        worth=seconds,
        opened_at=timezone.now(),
    )


def test_what_changed_says_by_which_step_and_why(
    project: Project, bob: User, client_of: Callable[[User], Client]
):
    change = changed(project)
    client = client_of(bob)
    page = client.get(f"/projects/{project.slug}/").content.decode()
    assert "Wall time of api up 30 %" in page
    assert "50 s before, 1 m 5 s since; 90 % of it by RUN npm ci." in page
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


def test_it_leads_to_the_commit_and_to_what_helps(
    project: Project, bob: User, client_of: Callable[[User], Client]
):
    change = changed(project)
    Build.objects.update(revision="c0ffee" + "0" * 34)
    for seconds, title in ((20.0, "Move npm ci up"), (90.0, "Ignore <docs>"), (0.5, "Little")):
        advised(change.series.service, seconds, title)
    client = client_of(bob)
    page = client.get(f"/projects/{project.slug}/").content.decode()
    commit = f'<a class="mono" href="{change.build.get_absolute_url()}">c0ffee000000</a>'
    assert commit in page
    assert ">Ignore &lt;docs&gt;</a>, worth 1 m 30 s a week" in page
    assert "Move npm ci up" not in page, "one piece of advice is enough here"
    own = client.get(change.series.service.get_absolute_url()).content.decode()
    assert commit in own
    assert "90 % of it by <code>RUN npm ci</code>" in own
    assert 'href="#first-title"' in own


def test_a_larger_image_has_no_advice_about_time(
    project: Project, bob: User, client_of: Callable[[User], Client]
):
    change = changed(project)
    Series.objects.update(metric="image_bytes")
    advised(change.series.service, 90.0, "Ignore docs")
    page = client_of(bob).get(f"/projects/{project.slug}/").content.decode()
    assert "Image size of api up 30 %" in page
    assert "Ignore docs" not in page


def test_services_that_need_attention_come_first_the_worst_on_top(project: Project):
    for name, status in (("a", "succeeded"), ("web", "failed")):
        service = get_or_create_service(project_id=project.pk, name=name)
        built(service, timezone.now().date(), 10, status=status)
    changed(project)
    changed(project, is_worse=False)
    rows = overview_page(project)["services"]
    assert [row["service"].name for row in rows] == ["web", "api", "a"]


def test_who_asked_for_a_build_is_told_where_this_server_knows(project: Project):
    build = changed(project).build
    assert commit_of(build) is None, "no commit was said"
    build.revision = "c0ffee"
    build.project = project
    assert commit_of(build) == {
        "revision": "c0ffee",
        "by": "",
        "href": build.get_absolute_url(),
    }
    build.request = BuildRequest(requested_by="alice")
    assert (commit_of(build) or {})["by"] == "alice"
