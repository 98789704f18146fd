"""The builds around a change, as its chart's numbers: JSON, CSV, links, access and queries."""

from collections.abc import Callable, Sequence

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Scope
from builds.models import Service
from builds.services import get_or_create_service
from tests.trends.making import History
from trends.models import Change, Series

pytestmark = pytest.mark.django_db


@pytest.fixture
def history(project: Project) -> History:
    return History(get_or_create_service(project_id=project.pk, name="api"))


def changed(history: History, walls: Sequence[float], first: int) -> Change:
    """A change with the build at ``first`` of builds that took exactly so many seconds."""
    service: Service = history.service
    for wall in walls:
        history.add(1, {}, wall_seconds=wall, ref_name="=main")
    series = Series.objects.create(service=service, metric="wall_seconds", target="api")
    return Change.objects.create(
        series=series,
        build=history.builds[first],
        last_before=history.builds[first - 1],
        seen_in=history.builds[-1],
        kind=Change.Kind.STEP,
        direction=1,
        is_worse=True,
        before=50.0,
        after=65.0,
        ratio=0.3,
        ratio_low=0.2,
        ratio_high=0.4,
        p_value=0.001,
        found_at=history.at,
        builds_before=first,
        builds_after=len(walls) - first,
    )


def test_machines_get_the_builds_that_the_chart_shows(
    history: History, api_of: Callable[..., APIClient]
):
    change = changed(history, [50.0, 51.5, 64.0, 65.0], first=2)
    history.add(1, {}, wall_seconds=9.0, target="another series")
    api = api_of(Scope.BUILDS_READ)
    address = f"/api/v1/changes/{change.public_id}/builds/"
    told = api.get(address).json()
    assert (told["metric"], told["unit"], told["before"], told["after"]) == (
        "wall_seconds",
        "s",
        50.0,
        65.0,
    )
    assert told["since"] == "2026-06-01T09:00:00Z", "the third of builds three hours apart"
    assert [row["value"] for row in told["builds"]] == [50.0, 51.5, 64.0, 65.0]
    assert [row["build"] for row in told["builds"]] == [
        str(build.public_id) for build in history.builds[:4]
    ]
    answer = api.get(address, {"format": "csv"})
    assert answer["Content-Type"].startswith("text/csv")
    header, first, *rest = answer.content.decode().splitlines()
    assert header == "build,at,value,ref_name,revision"
    build = history.builds[0]
    assert first == f"{build.public_id},2026-06-01T03:00:00Z,50.0,'=main,{build.revision}"
    assert len(rest) == 3


def test_more_builds_cost_no_more_queries_and_are_60_at_most_on_each_side(
    history: History, api_of: Callable[..., APIClient]
):
    change = changed(history, [50.0, 51.0, 64.0, 65.0], first=2)
    address = f"/api/v1/changes/{change.public_id}/builds/"
    api = api_of(Scope.BUILDS_READ)
    api.get(address)
    with CaptureQueriesContext(connection) as few:
        api.get(address)
    history.add(61, {}, wall_seconds=66.0)
    with CaptureQueriesContext(connection) as many:
        told = api.get(address).json()
    assert len(told["builds"]) == 2 + 60
    with CaptureQueriesContext(connection) as as_csv:
        api.get(address, {"format": "csv"})
    assert len(few) == len(many) == len(as_csv)


def test_strangers_get_404_and_tokens_need_the_scope(
    history: History,
    carol: User,
    client_of: Callable[[User], Client],
    api_of: Callable[..., APIClient],
):
    change = changed(history, [50.0, 65.0], first=1)
    address = f"/api/v1/changes/{change.public_id}/builds/"
    assert client_of(carol).get(address).status_code == 404
    refused = api_of(Scope.INGEST_WRITE).get(address, {"format": "csv"})
    assert refused.status_code == 403
    assert refused.content.decode().startswith("code,detail,attr\r\npermission_denied,")


def test_the_page_leads_to_both(history: History, bob: User, client_of: Callable[[User], Client]):
    change = changed(history, [50.0, 51.0, 64.0, 65.0], first=2)
    page = client_of(bob).get(change.get_absolute_url()).content.decode()
    address = f"/api/v1/changes/{change.public_id}/builds/"
    assert f'href="{address}">As JSON' in page
    assert f'href="{address}?format=csv">As CSV' in page
