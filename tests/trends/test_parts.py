"""Trends of stages and steps: busy seconds of those builds in which they ran."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

import trends.days
from accounts.models import User
from builds.models import Build, Service, Step
from cache.rollups import roll_up_next
from cache.staleness import mark
from cache.tasks import roll_up_stale
from tests.trends.test_trends import built
from trends.models import PartDay

pytestmark = pytest.mark.django_db


def ran(build: Build, *steps: tuple[str, str, float, str]) -> Build:
    """Give a build steps: identity, stage, busy seconds, state."""
    for position, (identity, stage, seconds, state) in enumerate(steps):
        Step.objects.create(
            month=build.steps_month,
            build=build,
            position=position,
            vertex_digest=f"sha256:{position}",
            name=f"RUN {identity}",
            kind="run",
            state=state,
            stage=stage,
            platform="",
            identity=identity,
            inputs=[],
            intervals=[],
            busy_seconds=seconds,
            slack_seconds=0.0,
            critical=False,
            what_if_seconds=0.0,
            dockerfile_name="",
            layer_digest="",
            error="",
        )
    return build


@pytest.fixture
def days(service: Service, today: date) -> Service:
    """Yesterday 20 s and 10 s of a stage; today half of it, cached once, and failed once."""
    before = today - timedelta(days=1)
    ran(
        built(service, before, 40),
        ("test", "build", 20.0, "executed"),
        ("lint", "build", 10.0, "executed"),
        ("push", "", 3.0, "executed"),
    )
    ran(built(service, today, 20, cache_state="cold"), ("test", "build", 15.0, "executed"))
    ran(built(service, today, 1), ("test", "build", 0.0, "cached"))
    failed = built(service, today, 9, status=Build.Status.FAILED)
    ran(failed, ("test", "build", 8.0, "failed"))
    roll_up_stale()
    return service


def asked(api: APIClient, service: Service, **query: Any) -> Any:
    address = f"/api/v1/services/{service.slug}/trends/"
    return api.get(address, {"metric": "step_seconds", "grain": "day", **query}).json()


def test_a_stage_is_the_sum_of_its_steps_that_ran(days: Service, api: APIClient):
    told = asked(api, days, stage="build")
    before, now = told["points"]
    assert before["median"] == pytest.approx(30, rel=0.01)
    assert (before["builds"], before["succeeded"]) == (1, 1)
    assert now["median"] == pytest.approx(15, rel=0.01), "neither the cached nor the failed one"
    assert (now["builds"], now["succeeded"], now["failed"]) == (2, 1, 1)
    assert (told["metric"], told["unit"]) == ("step_seconds", "s")


def test_a_step_is_told_by_its_identity_and_by_groups(days: Service, api: APIClient):
    told = asked(api, days, step="test")
    assert [point["median"] for point in told["points"]] == pytest.approx([20, 15], rel=0.01)
    assert asked(api, days, step="push")["now"]["median"] == pytest.approx(3, rel=0.01)
    cold = asked(api, days, step="test", cache_state="cold")["points"]
    assert [point["builds"] for point in cold] == [1]
    assert asked(api, days, step="nobody knows it")["points"] == []


def test_a_corrected_build_repairs_its_day(days: Service, api: APIClient, today: date):
    Step.objects.filter(identity="test", busy_seconds=15.0).update(busy_seconds=60.0)
    mark(days.pk, today)
    roll_up_stale()
    assert asked(api, days, step="test")["points"][1]["median"] == pytest.approx(60, rel=0.01)
    assert PartDay.objects.filter(name="test", build_day__day=today).count() == 2, "warm and cold"


def test_a_build_that_comes_while_its_day_is_added_up_counts_the_next_time(
    days: Service, api: APIClient, today: date, monkeypatch: pytest.MonkeyPatch
):
    works = trends.days.add_parts

    def comes_meanwhile(*args: Any) -> None:
        monkeypatch.undo()
        ran(built(days, today, 70), ("test", "build", 60.0, "executed"))
        works(*args)

    monkeypatch.setattr(trends.days, "add_parts", comes_meanwhile)
    mark(days.pk, today)
    assert roll_up_next()
    assert asked(api, days, step="test")["points"][1]["succeeded"] == 1
    roll_up_stale()
    assert asked(api, days, step="test")["points"][1]["succeeded"] == 2


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ({}, "stage"),
        ({"stage": "build", "step": "test"}, "stage"),
        ({"stage": "another"}, "stage"),
        ({"step": "x" * 33}, "step"),
    ],
)
def test_one_part_is_to_be_named(query: dict[str, str], place: str, days: Service, api: APIClient):
    errors = asked(api, days, **query)["errors"]
    assert [error["attr"] for error in errors] == [place]


def test_the_page_names_the_step_and_costs_few_queries(
    days: Service, bob: User, client_of: Callable[[User], Client]
):
    address = f"/projects/{days.project.slug}/services/{days.slug}/"
    client = client_of(bob)
    with CaptureQueriesContext(connection) as queries:
        page = client.get(f"{address}trends/?metric=step_seconds&step=test&grain=day")
    assert len(queries) <= 15
    text = page.content.decode()
    assert "Busy time of a step" in text
    assert f'href="{address}steps/test/">RUN test</a>' in text
    assert 'type="hidden" name="step" value="test"' in text, "another filter keeps it"
    stage = client.get(f"{address}trends/?metric=step_seconds&stage=build").content.decode()
    assert "Busy time of stage build" in stage
    step = client.get(f"{address}steps/test/").content.decode()
    assert "?metric=step_seconds&amp;stage=build" in step
    assert f'data-zoom="{address}trends/?metric=step_seconds&amp;step=test&amp;days=180"' in step
    csv = f"/api/v1/services/api/trends/?project={days.project.slug}&metric=step_seconds&step=test"
    assert client.get(f"{csv}&days=180&format=csv").status_code == 200
    assert f"{csv}&days=180&format=csv".replace("&", "&amp;") in step
    assert "?metric=step_seconds&amp;step=test" in client.get(address).content.decode()
    nothing = client.get(f"{address}trends/?metric=step_seconds").content.decode()
    assert "Name a stage or a step, and not both." in nothing
