"""What made images grow: the page and its answer for machines, with figures worked out by hand."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Scope
from builds.models import Build, Service
from builds.services import get_or_create_service
from sizes.following import follow_next
from tests.sizes.making import imaged

pytestmark = pytest.mark.django_db
PAGE = "/projects/shop/services/web/sizes/"
API = "/api/v1/services/web/sizes/"


@pytest.fixture
def service(project: Project) -> Service:
    return get_or_create_service(project_id=project.pk, name="web")


def days_ago(service: Service, days: int, base: int, app: int, **fields: Any) -> Build:
    at = timezone.now() - timedelta(days=days)
    return imaged(service, 0, {"FROM node": base, "COPY . .": app}, at=at, **fields)


@pytest.fixture
def grown(service: Service) -> list[Build]:
    """100 days: the base grows by 20 kB after 60, the application by 50 kB after 90."""
    made = [
        days_ago(service, 100, 900_000, 100_000),
        days_ago(service, 40, 920_000, 100_000, author="Ana Moreau", revision="b" * 40),
        days_ago(
            service,
            10,
            920_000,
            150_000,
            author="Jonas Lind",
            revision="c" * 40,
            ref_name="feature/search",
            change_id="38",
        ),
        days_ago(service, 2, 920_000, 150_100),
    ]
    while follow_next():
        pass
    return made


def test_growth_is_told_since_which_build_and_by_whom(
    grown: list[Build], api_of: Callable[..., APIClient]
):
    told = api_of(Scope.BUILDS_READ).get(API).json()
    assert told["newest"]["size_bytes"] == 1_070_100
    assert told["newest"]["images"] == 4
    assert [row["delta_bytes"] for row in told["growths"]] == [50_100, 70_100]
    assert [(row["name"], row["size_bytes"], row["growths"]) for row in told["instructions"]] == [
        ("FROM node", 920_000, [0, 20_000]),
        ("COPY . .", 150_100, [50_100, 50_100]),
    ]
    changes = [
        (row["name"], row["before_bytes"], row["after_bytes"], row["author"], row["images"])
        for row in told["changes"]
    ]
    assert changes == [
        ("COPY . .", 100_000, 150_000, "Jonas Lind", 1),
        ("FROM node", 900_000, 920_000, "Ana Moreau", 3),
    ], "a hundred bytes are below a thousandth of the image"
    first = told["changes"][0]
    assert first["build"] == str(grown[2].public_id)
    assert (first["ref_name"], first["change_id"]) == ("feature/search", "38")


def test_the_changes_come_as_csv(grown: list[Build], api_of: Callable[..., APIClient]):
    text = api_of(Scope.BUILDS_READ).get(API + "?format=csv").content.decode()
    header, *rows = text.splitlines()
    assert header.startswith("instruction,name,at,build,revision")
    assert len(rows) == 2


def test_the_days_of_the_chart_come_as_csv(
    grown: list[Build],
    api_of: Callable[..., APIClient],
    client_of: Callable[[User], Client],
    bob: User,
):
    api = api_of(Scope.BUILDS_READ)
    text = api.get(API, {"table": "days", "days": 30, "format": "csv"}).content.decode()
    last = [build.listed_at.date() for build in grown[-2:]]
    assert text.splitlines() == ["day,size_bytes", f"{last[0]},1070000", f"{last[1]},1070100"]
    wrong = api.get(API, {"table": "instructions"})
    assert wrong.status_code == 400
    assert wrong.json()["errors"][0]["attr"] == "table"
    page = client_of(bob).get(f"{PAGE}?days=30").content.decode()
    href = f"{API}?project=shop&amp;group=0&amp;days=30"
    assert f'href="{href}">As JSON' in page
    assert f'href="{href}&amp;table=days&amp;format=csv">As CSV' in page


def test_the_page_shows_them(grown: list[Build], client_of: Callable[[User], Client], bob: User):
    page = client_of(bob).get(PAGE).content.decode()
    assert "Jonas Lind" in page
    assert "feature/search · change 38" in page
    assert "+50 kB" in page
    assert "1.1 MB" in page


def test_a_single_image_has_no_growth(service: Service, api_of: Callable[..., APIClient]):
    days_ago(service, 3, 10, 10)
    follow_next()
    told = api_of(Scope.BUILDS_READ).get(API).json()
    assert [row["delta_bytes"] for row in told["growths"]] == [None, None]
    assert told["instructions"][0]["growths"] == [None, None]
    assert told["changes"] == []


def test_growth_counts_from_the_first_image_if_there_was_none_then(
    service: Service, api_of: Callable[..., APIClient]
):
    first = days_ago(service, 5, 100, 10)
    days_ago(service, 1, 100, 30)
    follow_next()
    told = api_of(Scope.BUILDS_READ).get(API).json()
    assert [row["delta_bytes"] for row in told["growths"]] == [20, 20]
    assert told["growths"][0]["since"][:19] == first.listed_at.isoformat()[:19]


def test_without_images_it_says_so(
    service: Service,
    client_of: Callable[[User], Client],
    bob: User,
    api_of: Callable[..., APIClient],
):
    assert "No image with layers yet" in client_of(bob).get(PAGE).content.decode()
    assert api_of(Scope.BUILDS_READ).get(API).json()["newest"] is None


def test_what_is_no_choice_is_an_error_for_machines_and_not_applied_for_people(
    grown: list[Build],
    client_of: Callable[[User], Client],
    bob: User,
    api_of: Callable[..., APIClient],
):
    assert api_of(Scope.BUILDS_READ).get(API + "?days=7").status_code == 400
    assert client_of(bob).get(PAGE + "?days=7&group=99").status_code == 200


def test_only_members_see_it(
    grown: list[Build],
    client_of: Callable[[User], Client],
    carol: User,
    api_of: Callable[..., APIClient],
):
    assert client_of(carol).get(PAGE).status_code == 404
    assert api_of(Scope.INGEST_WRITE).get(API).status_code == 403


def test_the_page_costs_the_same_with_many_images(
    service: Service,
    client_of: Callable[[User], Client],
    bob: User,
    django_assert_max_num_queries: Any,
):
    for age in range(25, 0, -1):
        days_ago(service, age, 900, age * 100, author=f"Author {age}")
    follow_next()
    browser = client_of(bob)
    with django_assert_max_num_queries(24):
        assert browser.get(PAGE).status_code == 200
