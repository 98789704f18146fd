"""The cache's pages and their answers to machines, from real sums, and to whom."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Scope
from buildinsights.csv import table
from buildkit.model import StepKind
from builds.models import Service
from builds.services import get_or_create_service
from cache.models import StepReason
from tests.builds.making import cached, step
from tests.cache.test_rollups import recorded, settled

pytestmark = pytest.mark.django_db

type ClientOf = Callable[[User], Client]

HOSTILE = "[build 1/2] COPY <script>alert(1)</script> /"
IMPORT = "importing cache manifest from r/shop-cache:main"
EXPORT = "exporting cache to registry"
PAGES = (
    "/projects/{}/cache/",
    "/projects/{}/cache/references/",
    "/projects/{}/services/shop/steps/identity-0/",
)


@pytest.fixture(autouse=True)
def today() -> Any:
    with time_machine.travel(datetime(2026, 1, 7, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def shop(project: Project) -> Service:
    """A service with a cold and a warm build on a day, and a partial one on the next."""
    service = get_or_create_service(project_id=project.pk, name="Shop")
    copy = {"kind": StepKind.COPY, "name": HOSTILE}
    transfer = (
        step(2, 0, 1, kind=StepKind.IMPORT_CACHE, name=IMPORT),
        step(3, 9, 12, kind=StepKind.EXPORT_CACHE, name=EXPORT),
    )
    goes_to = {"cache_to": "type=registry,ref=r/shop-cache:main,mode=max"}
    recorded(service, step(0, 0, 4, **copy), step(1, 4, 10), at=0)
    recorded(service, cached(0, **copy), cached(1), *transfer, at=1, **goes_to)
    last = recorded(service, step(0, 0, 2, **copy), step(1, 2, 10), *transfer, at=24, **goes_to)
    common = {"build": last, "service": service, "confidence": "high", "first": 0}
    StepReason.objects.create(position=0, identity="identity-0", cause="files", seconds=2, **common)
    StepReason.objects.create(
        position=1, identity="identity-1", cause="parent", seconds=8, **common
    )
    settled()
    return service


def test_the_overview_has_the_numbers_and_what_costs_most(
    client_of: ClientOf, bob: User, shop: Service
):
    page = client_of(bob).get(PAGES[0].format(shop.project.slug)).content.decode()
    # Saved 4 + 6; on misses 4 + 6 + 2 + 8: 10 of 30 seconds, 2 of 6 steps.
    assert ">33 %<" in page
    assert "2 of 6; before:" in page
    assert "Copied files changed" in page
    assert ">10 s<" in page, "of the copy and what ran because of it"
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


@pytest.mark.parametrize("by", ["service", "target", "platforms", "branch_class", "builder"])
def test_numbers_are_told_apart_by_each_dimension(
    client_of: ClientOf, bob: User, shop: Service, by: str
):
    page = client_of(bob).get(f"{PAGES[0].format(shop.project.slug)}?by={by}").content.decode()
    label = {"service": "Shop", "platforms": "linux/amd64", "branch_class": "Default branch"}
    assert f'<th scope="row">{label.get(by, "not said")}</th>' in page


def test_what_is_no_choice_is_not_applied(client_of: ClientOf, bob: User, shop: Service):
    address = PAGES[0].format(shop.project.slug)
    for query in ("days=1000000", "days=x", "by=password", "service=nope", "service=%00"):
        assert client_of(bob).get(f"{address}?{query}").status_code in {200, 400}


def test_a_reference_is_weighed(client_of: ClientOf, bob: User, shop: Service):
    page = client_of(bob).get(PAGES[1].format(shop.project.slug)).content.decode()
    assert "r/shop-cache:main" in page
    assert "+2 s" in page, "10 s saved, two imports of 1 s, two exports of 3 s, no pull"
    assert "1 of 2" in page


def test_what_is_wrong_with_a_reference_is_told_first(
    client_of: ClientOf, bob: User, shop: Service
):
    other = get_or_create_service(project_id=shop.project_id, name="Other")
    export = step(1, 4, 5, kind=StepKind.EXPORT_CACHE, name=EXPORT)
    recorded(other, step(0, 0, 4), export, at=3, cache_to="type=registry,ref=r/shop-cache:main")
    settled()
    page = client_of(bob).get(PAGES[1].format(shop.project.slug)).content.decode()
    assert "Services overwrite each other&#x27;s cache" in page
    assert "/help/troubleshooting/#services-overwrite-each-others-cache" in page


def test_a_step_has_its_hits_misses_and_causes(client_of: ClientOf, bob: User, shop: Service):
    page = client_of(bob).get(PAGES[2].format(shop.project.slug)).content.decode()
    assert "1 of 3" in page
    assert "Copied files changed" in page
    assert page.count('?tab=steps#step-0">') == 3, "each build of it is led to"
    other = client_of(bob).get(f"/projects/{shop.project.slug}/services/shop/steps/identity-1/")
    text = other.content.decode()
    assert "A step before it ran" in text
    assert PAGES[2].format(shop.project.slug) in text, "what began the chain is led to"


def test_unknown_steps_and_strangers_get_404(
    client_of: ClientOf, bob: User, carol: User, shop: Service
):
    slug = shop.project.slug
    assert client_of(bob).get(f"/projects/{slug}/services/shop/steps/none/").status_code == 404
    assert client_of(bob).get(f"/projects/{slug}/services/nope/steps/x/").status_code == 404
    for page in PAGES:
        assert client_of(carol).get(page.format(slug)).status_code == 404


def test_an_empty_project_is_told_so(client_of: ClientOf, bob: User, project: Project):
    pages = [client_of(bob).get(page.format(project.slug)) for page in PAGES[:2]]
    assert "No builds in this period" in pages[0].content.decode()
    assert "No build imported or exported a cache" in pages[1].content.decode()


@pytest.mark.parametrize("page", PAGES)
def test_more_services_and_days_cost_no_more_queries(
    client_of: ClientOf, bob: User, shop: Service, page: str
):
    client, address = client_of(bob), page.format(shop.project.slug)
    client.get(address)
    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get(address)
    for number in range(3):
        other = get_or_create_service(project_id=shop.project_id, name=f"Other {number}")
        recorded(other, step(0, 0, 4), at=number + 2)
        recorded(shop, step(0, 0, 4), at=30 + number)
    settled()
    with CaptureQueriesContext(connection) as many:
        client.get(address)
    assert len(many) == len(few)


def test_machines_get_the_same_numbers(
    api_of: Callable[..., APIClient], ci: APIClient, shop: Service
):
    api = api_of(Scope.BUILDS_READ)
    answer = api.get("/api/v1/services/shop/cache/?by=branch_class&days=7").json()
    assert (answer["first_day"], answer["last_day"]) == ("2026-01-01", "2026-01-07")
    assert answer["now"]["saved_seconds"] == pytest.approx(10)
    assert answer["now"]["hit_ratio_time"] == pytest.approx(1 / 3)
    assert answer["before"]["hit_ratio_time"] is None
    assert [group["value"] for group in answer["groups"]] == ["Default branch"]
    assert [(week["first_day"], week["builds"]) for week in answer["weeks"]] == [("2026-01-01", 3)]
    [first] = answer["invalidators"]
    assert (first["identity"], first["cause"], first["lost_seconds"]) == ("identity-0", "files", 10)
    assert {item["identity"] for item in answer["steps"]} == {"identity-0", "identity-1"}
    wrong = api.get("/api/v1/services/shop/cache/?days=8")
    assert wrong.status_code == 400
    assert wrong.json()["errors"][0]["attr"] == "days"


def test_groups_come_as_csv(api_of: Callable[..., APIClient], shop: Service):
    api = api_of(Scope.BUILDS_READ)
    answer = api.get("/api/v1/services/shop/cache/", headers={"accept": "text/csv"})
    assert answer["Content-Type"].startswith("text/csv")
    header, row = answer.content.decode().splitlines()
    assert header.startswith("builds,cold_builds")
    assert row.startswith("3,2,0,1,6,2,0,10.0,20.0")
    assert row.endswith(",Shop")


def test_the_weeks_of_the_chart_come_as_csv_of_one_service_and_of_all(
    api_of: Callable[..., APIClient], shop: Service
):
    other = get_or_create_service(project_id=shop.project_id, name="Other")
    recorded(other, step(0, 0, 5), at=30)
    settled()
    api = api_of(Scope.BUILDS_READ)
    counts = {}
    for name, address in {
        "all": "/api/v1/cache/?",
        "one": "/api/v1/cache/?service=shop&",
        "its own": "/api/v1/services/shop/cache/?",
    }.items():
        answer = api.get(f"{address}table=weeks&format=csv")
        assert answer["Content-Type"].startswith("text/csv")
        header, row = answer.content.decode().splitlines()
        assert header.startswith("builds,cold_builds")
        assert header.endswith(",hit_ratio_time,first_day")
        assert row.endswith(",2026-01-01")
        counts[name] = row.split(",")[0]
    assert counts == {"all": "4", "one": "3", "its own": "3"}
    wrong = api.get("/api/v1/cache/?table=steps&format=csv")
    assert wrong.status_code == 400
    assert wrong.content.decode().splitlines()[1] == (
        'invalid,"Must be one of groups, weeks.",table'
    )


def test_machines_get_the_numbers_of_all_services(
    api_of: Callable[..., APIClient], client_of: ClientOf, carol: User, shop: Service
):
    other = get_or_create_service(project_id=shop.project_id, name="Other")
    recorded(other, step(0, 0, 5), at=30)
    settled()
    api = api_of(Scope.BUILDS_READ)
    answer = api.get("/api/v1/cache/").json()
    # Of Shop 10 of 30 seconds are saved; Other spends 5 more.
    assert answer["now"]["hit_ratio_time"] == pytest.approx(10 / 35)
    assert answer["now"]["builds"] == 4
    groups = {row["value"]: row["executed_seconds"] for row in answer["groups"]}
    assert groups == {"Shop": pytest.approx(20), "Other": pytest.approx(5)}
    one = api.get("/api/v1/cache/?service=shop").json()
    assert one == api.get("/api/v1/services/shop/cache/").json()
    assert api.get("/api/v1/cache/?service=nope").status_code == 400
    assert api_of(Scope.INGEST_WRITE).get("/api/v1/cache/").status_code == 403
    strange = client_of(carol).get(f"/api/v1/cache/?project={shop.project.slug}")
    assert strange.status_code == 400


def test_more_services_cost_machines_no_more_queries(
    api_of: Callable[..., APIClient], shop: Service
):
    api, counts = api_of(Scope.BUILDS_READ), []
    api.get("/api/v1/cache/")
    for number in range(2):
        for query in ("", "?format=csv", "?table=weeks&format=csv"):
            with CaptureQueriesContext(connection) as queries:
                api.get(f"/api/v1/cache/{query}")
            counts.append(len(queries))
        other = get_or_create_service(project_id=shop.project_id, name=f"Other {number}")
        recorded(other, step(0, 0, 4), at=number + 2)
        settled()
    assert len(set(counts)) == 1


def test_the_chart_leads_to_its_numbers(client_of: ClientOf, bob: User, shop: Service):
    recorded(shop, step(0, 0, 4), at=-24 * 10)
    settled()
    client, slug = client_of(bob), shop.project.slug
    for query in ("", "service=shop&"):
        page = client.get(f"{PAGES[0].format(slug)}?{query}days=90").content.decode()
        api = f"/api/v1/cache/?project={slug}&{query}days=90".replace("&", "&amp;")
        assert f'href="{api}">As JSON' in page
        assert f'href="{api}&amp;table=weeks&amp;format=csv">As CSV' in page


def test_no_cell_is_a_formula():
    assert table([{"name": "=1+1", "n": -1, "none": None}]).splitlines()[1] == "'=1+1,-1,"
    assert table([]) == ""
