"""Metrics over time: distributions by day, added up, and repaired when a build comes late."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import User
from builds.models import Build, Service, Step
from builds.partitions import ensure_partition, month_of
from cache.staleness import day_of, mark
from cache.tasks import roll_up_stale
from trends.models import BuildDay
from trends.series import Grain, end_of, start_of

pytestmark = pytest.mark.django_db

type ClientOf = Callable[[User], Client]


def built(service: Service, day: date, wall: float, **fields: Any) -> Build:
    """A build of that day at noon, added up."""
    at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    ensure_partition(month_of(at))
    values = {
        "project_id": service.project_id,
        "service": service,
        "listed_at": at,
        "steps_month": month_of(at),
        "status": Build.Status.SUCCEEDED,
        "wall_seconds": wall,
        "target": "api",
        "cache_state": "warm",
    }
    build = Build.objects.create(**values | fields)
    mark(service.pk, day_of(at))
    return build


def step(build: Build, position: int, kind: str, seconds: float, state: str = "executed") -> None:
    Step.objects.create(
        month=build.steps_month,
        build=build,
        position=position,
        vertex_digest=f"sha256:{position}",
        name=kind,
        kind=kind,
        state=state,
        stage="",
        platform="",
        identity=f"{kind}{position}",
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


def asked(api: APIClient, service: Service, **query: Any) -> Any:
    roll_up_stale()
    answer = api.get(f"/api/v1/services/{service.slug}/trends/", query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_quantiles_counts_and_the_period_before(service: Service, api: APIClient, today: date):
    for wall in (10, 20, 30, 40, 50):
        built(service, today, wall)
    built(service, today, 99, status=Build.Status.FAILED)
    built(service, today, 99, status=Build.Status.CANCELED)
    built(service, today - timedelta(days=29), 100)
    built(service, today - timedelta(days=30), 60)
    told = asked(api, service, days=30, grain="day")
    assert [point["start"] for point in told["points"]] == [
        (today - timedelta(days=29)).isoformat(),
        today.isoformat(),
    ]
    newest = told["points"][-1]
    assert (newest["builds"], newest["succeeded"], newest["failed"]) == (7, 5, 1)
    assert newest["success_ratio"] == pytest.approx(5 / 6), "who cancels says nothing of it"
    for name, value in {"p25": 20, "median": 30, "p75": 40, "p90": 46, "p95": 48}.items():
        assert newest[name] == pytest.approx(value, rel=0.01)
    assert told["now"]["median"] == pytest.approx(35, rel=0.01), "of all six"
    assert (told["before"]["builds"], told["unit"]) == (1, "s")
    assert told["before"]["median"] == pytest.approx(60, rel=0.01)


def test_a_late_corrected_and_deleted_build_repairs_its_day(
    service: Service, api: APIClient, today: date
):
    day = today - timedelta(days=3)
    first = built(service, day, 10)
    assert asked(api, service, grain="day")["points"][0]["succeeded"] == 1
    built(service, day, 30)
    Build.objects.filter(pk=first.pk).update(wall_seconds=20)
    told = asked(api, service, grain="day")["points"][0]
    assert (told["succeeded"], told["median"]) == (2, pytest.approx(25, rel=0.01))
    first.delete()
    mark(service.pk, day)
    assert asked(api, service, grain="day")["points"][0]["succeeded"] == 1


def test_work_is_told_apart_by_kind(service: Service, api: APIClient, today: date):
    build = built(service, today, 100)
    for position, (kind, seconds) in enumerate(
        [("context", 2.0), ("from", 3.0), ("run", 40.0), ("run", 20.0), ("export-cache", 7.0)]
    ):
        step(build, position, kind, seconds)
    step(build, 9, "run", 500.0, state="cached")
    expected = {
        "context_seconds": 2.0,
        "pull_seconds": 3.0,
        "run_seconds": 60.0,
        "cache_seconds": 7.0,
        "export_seconds": 0.0,
    }
    for name, value in expected.items():
        assert asked(api, service, metric=name)["now"]["median"] == pytest.approx(value, rel=0.01)


def test_groups_are_told_apart(service: Service, api: APIClient, today: date):
    built(service, today, 10)
    built(service, today, 80, cache_state="cold", ref_name="main", platforms=["linux/arm64"])
    both = asked(api, service)
    assert both["now"]["succeeded"] == 2
    for query in (
        {"cache_state": "cold"},
        {"branch_class": "default"},
        {"platforms": "linux/arm64"},
    ):
        told = asked(api, service, **query)["now"]
        assert (told["succeeded"], told["median"]) == (1, pytest.approx(80, rel=0.01)), query


def test_ratios_and_sizes_have_their_units(service: Service, api: APIClient, today: date):
    built(service, today, 10, hit_ratio_time=0.85, image_bytes=123_456_789)
    ratio = asked(api, service, metric="hit_ratio_time")
    assert (ratio["unit"], ratio["now"]["median"]) == ("ratio", 0.85)
    size = asked(api, service, metric="image_bytes")
    assert size["now"]["median"] == pytest.approx(123_456_789, rel=0.01)
    nothing = asked(api, service, metric="parallelism")["now"]
    assert (nothing["succeeded"], nothing["median"]) == (1, None), "not recorded is not zero"


def test_csv_has_the_points(service: Service, api: APIClient, today: date):
    built(service, today, 10)
    roll_up_stale()
    address = f"/api/v1/services/{service.slug}/trends/"
    text = api.get(address, headers={"Accept": "text/csv"}).content.decode()
    header, row = text.strip().splitlines()
    assert header.startswith("builds,succeeded,failed,success_ratio,p25,median,")
    assert row.startswith("1,1,0,1.0,")


@pytest.mark.parametrize(
    "query", [{"metric": "x"}, {"grain": "hour"}, {"days": "3"}, {"cache_state": "hot"}]
)
def test_nonsense_names_its_place(query: dict[str, str], service: Service, api: APIClient):
    answer = api.get(f"/api/v1/services/{service.slug}/trends/", query)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"] == next(iter(query))


def test_the_page_shows_it_and_leads_to_the_builds(
    service: Service,
    bob: User,
    carol: User,
    client_of: ClientOf,
    today: date,
):
    for age in range(20):
        built(service, today - timedelta(days=age), 10 + age)
    roll_up_stale()
    address = f"/projects/{service.project.slug}/services/{service.slug}/trends/"
    client = client_of(bob)
    with CaptureQueriesContext(connection) as queries:
        page = client.get(f"{address}?grain=day&days=30").content.decode()
    assert len(queries) <= 12
    assert "Wall time" in page
    tomorrow = (today + timedelta(days=1)).isoformat()
    href = f"?service={service.slug}&amp;after={today.isoformat()}&amp;before={tomorrow}"
    assert href in page
    listed = client.get(f"/projects/{service.project.slug}/builds/{href.replace('&amp;', '&')}")
    assert "1 build, newest first" in listed.content.decode()
    assert client.get(f"{address}?metric=<script>").status_code == 200
    assert client_of(carol).get(address).status_code == 404


def test_times_begin_where_calendars_have_it():
    day = date(2026, 11, 28)
    assert [start_of(day, grain) for grain in Grain] == [
        day,
        date(2026, 11, 23),
        date(2026, 11, 1),
    ]
    assert [end_of(start_of(day, grain), grain) for grain in Grain] == [
        day,
        date(2026, 11, 29),
        date(2026, 11, 30),
    ]


def test_rows_are_those_of_groups_and_not_of_builds(service: Service, today: date):
    for wall in range(50):
        built(service, today, 10 + wall)
    roll_up_stale()
    [row] = BuildDay.objects.all()
    assert (row.builds, sum(row.sketches["wall_seconds"].values())) == (50, 50)
