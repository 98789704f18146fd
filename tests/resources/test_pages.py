"""Pages and API of builders: numbers, access, odd names, and what is not known."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Scope
from builds.models import Build, Service
from builds.services import delete_build
from cache.staleness import day_of
from cache.staleness import mark as mark_day
from cache.tasks import roll_up_stale
from farm.models import Builder
from resources.tasks import roll_up_waiting, weigh_builders
from tests.resources.making import MB, on_builder, with_samples

pytestmark = pytest.mark.django_db

type ClientOf = Callable[[User], Client]

ODD = ["a/b", "../x", "a b", "50%", "ä?#&", "<script>alert(1)</script>", "x/"]


@pytest.fixture
def noon() -> datetime:
    """Of yesterday."""
    return timezone.now().replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)


def worked_out() -> None:
    roll_up_waiting()
    weigh_builders()


def used(service: Service, noon: datetime) -> Build:
    """Two builds, 100 s each, of which the second begins after 50 s."""
    first = on_builder(service, noon, 100)
    on_builder(service, noon + timedelta(seconds=50), 100)
    with_samples(first, [20, 100], [0.5, 1.0], [400 * MB, 900 * MB])
    worked_out()
    return first


def test_the_list_has_what_builders_have_and_take(service: Service, noon: datetime, api: APIClient):
    used(service, noon)
    Builder.objects.create(name="one", slots=3)
    [row] = api.get("/api/v1/builders/").json()
    assert (row["name"], row["builds"], row["sampled_builds"]) == ("one", 2, 1)
    assert (row["busy_seconds"], row["occupied_seconds"], row["most_at_once"]) == (200, 150, 2)
    assert row["at_once"] == pytest.approx(200 / 150)
    assert row["cpu_mean"] == pytest.approx((20 * 0.5 + 80 * 1.0) / 100)
    assert row["saturated_ratio"] == pytest.approx(0.8)
    assert (row["memory_peak_bytes"], row["memory_total_bytes"]) == (900 * MB, 1000 * MB)
    assert (row["disk_bytes"], row["slots_now"]) == (None, 3)
    assert row["slots"] == {"verdict": "too_few", "slots": None, "loads": []}


def test_one_builder_by_hour_and_by_day(service: Service, noon: datetime, api: APIClient):
    used(service, noon)
    on_builder(service, noon + timedelta(hours=2), 60)
    worked_out()
    hourly = api.get("/api/v1/builders/one/", {"days": 7}).json()
    assert (hourly["grain"], len(hourly["points"])) == ("hour", 2)
    point = hourly["points"][0]
    assert point["start"] == noon.isoformat().replace("+00:00", "Z")
    assert (point["cpu_p25"], point["cpu_median"], point["cpu_p95"]) == (1.0, 1.0, 1.0)
    daily = api.get("/api/v1/builders/one/", {"days": 90}).json()
    assert (daily["grain"], len(daily["points"])) == ("day", 1)
    assert (daily["points"][0]["builds"], daily["now"]["builds"]) == (3, 3)
    assert daily["now"]["memory_p99_bytes"] == pytest.approx(900 * MB, rel=0.01)


def test_csv_has_the_points(service: Service, noon: datetime, api: APIClient):
    used(service, noon)
    answer = api.get("/api/v1/builders/one/", headers={"Accept": "text/csv"})
    header, row = answer.content.decode().strip().splitlines()
    assert header.startswith("builds,sampled_builds,busy_seconds,occupied_seconds,at_once,")
    assert row.startswith("2,1,200.0,150.0,1.33")


def test_pages_show_it_and_lead_to_each_other(
    service: Service, noon: datetime, bob: User, client_of: ClientOf
):
    used(service, noon)
    mark_day(service.pk, day_of(on_builder(service, noon, 5, builder="").listed_at))
    roll_up_stale()
    client = client_of(bob)
    listed = client.get(f"/projects/{service.project.slug}/builders/")
    assert "1 build of this period does not say" in listed.content.decode()
    href = reverse("resources:builder", args=[service.project.slug, "one"])
    assert f'href="{href}"' in listed.content.decode()
    page = client.get(href).content.decode()
    numbers = f"/api/v1/builders/one/?project={service.project.slug}&amp;days=30"
    assert f'href="{numbers}">As JSON' in page
    assert f'href="{numbers}&amp;format=csv">As CSV' in page
    for words in (
        "95 % of the time below 100 %",
        "Not enough evidence: it takes 8 builds alone and 8 beside others",
        "What one build takes is not known",
        "Whether less would do takes 20 builds with samples; there are 1.",
        "the server does not look into this builder",
    ):
        assert words in page, words


def test_a_build_says_how_many_ran_beside_it(
    service: Service, noon: datetime, bob: User, client_of: ClientOf
):
    build = on_builder(service, noon, 100)
    client = client_of(bob)
    assert "ran beside it" not in client.get(build.get_absolute_url()).content.decode()
    on_builder(service, noon + timedelta(seconds=75), 100)
    worked_out()
    href = reverse("resources:builder", args=[service.project.slug, "one"])
    page = client.get(build.get_absolute_url()).content.decode()
    assert f'1 other build ran beside it on <a href="{href}">one</a>: 0.2 as a mean' in page
    lone = on_builder(service, noon + timedelta(hours=2), 100)
    worked_out()
    page = client.get(lone.get_absolute_url()).content.decode()
    assert f'No other build ran beside it on <a href="{href}">one</a>.' in page


def test_a_builder_without_any_sample_is_unknown_and_not_zero(
    service: Service, noon: datetime, bob: User, client_of: ClientOf
):
    on_builder(service, noon, 30)
    page_of = client_of(bob).get
    href = reverse("resources:builder", args=[service.project.slug, "one"])
    roll_up_waiting()
    assert "Not worked out yet" in page_of(href).content.decode()
    worked_out()
    page = page_of(href).content.decode()
    assert "Memory is not recorded: whether builds at once fit is not known." in page
    assert "Processors, median busy share, with 25 to 75 % of the time" not in page
    assert page_of(f"{href}?days=x").status_code == 200
    delete_build(Build.objects.get())
    worked_out()
    assert "No build in this period" in page_of(href).content.decode()


@pytest.mark.parametrize("name", ODD)
def test_names_may_be_anything(
    name: str, service: Service, noon: datetime, bob: User, client_of: ClientOf, api: APIClient
):
    on_builder(service, noon, 30, builder=name)
    worked_out()
    client = client_of(bob)
    href = reverse("resources:builder", args=[service.project.slug, name])
    listed = client.get(f"/projects/{service.project.slug}/builders/").content.decode()
    assert f'href="{href.replace("&", "&amp;").replace("'", "&#x27;")}"' in listed
    page = client.get(href)
    assert page.status_code == 200
    assert "<script>alert" not in page.content.decode()
    assert api.get(f"/api/v1/builders/{quote(name)}/").json()["name"] == name


def test_strangers_see_nothing_and_a_token_needs_the_scope(
    service: Service,
    noon: datetime,
    carol: User,
    client_of: ClientOf,
    api_of: Callable[..., APIClient],
):
    used(service, noon)
    client = client_of(carol)
    for path in ("builders/", "builders/one/"):
        assert client.get(f"/projects/{service.project.slug}/{path}").status_code == 404
        assert api_of(Scope.INGEST_WRITE).get(f"/api/v1/{path}").status_code == 403
        assert APIClient().get(f"/api/v1/{path}").status_code == 401
    [elsewhere] = Project.objects.exclude(pk=service.project_id)
    assert client.get(f"/projects/{elsewhere.slug}/builders/one/").status_code == 404
    assert client.get(f"/projects/{elsewhere.slug}/builders/").status_code == 200


@pytest.mark.parametrize("path", ["builders/", "builders/one/"])
def test_a_period_that_is_no_choice_names_its_place(
    path: str, service: Service, noon: datetime, api: APIClient
):
    used(service, noon)
    answer = api.get(f"/api/v1/{path}", {"days": "3"})
    assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, "days")


def test_what_is_not_there_is_not_found(service: Service, api: APIClient):
    assert api.get("/api/v1/builders/none/").status_code == 404


def test_pages_cost_the_same_queries_however_many_builders_and_hours(
    service: Service, noon: datetime, bob: User, client_of: ClientOf
):
    client = client_of(bob)
    counts: list[list[int]] = []
    for builders in (1, 5):
        for number in range(builders):
            for hour in range(builders):
                start = noon - timedelta(hours=hour)
                on_builder(service, start, 60, builder="one" if not number else f"b{number}")
        worked_out()
        counts.append([_queries(client, service, path) for path in ("", "one/")])
    assert counts[1][0] <= counts[0][0] <= 10
    assert counts[1][1] <= counts[0][1] <= 12


def _queries(client: Client, service: Service, path: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        answer: Any = client.get(f"/projects/{service.project.slug}/builders/{path}")
    assert answer.status_code == 200
    return len(queries)
