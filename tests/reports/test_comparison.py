"""A service against its past, its sisters and published figures: worked out by hand."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Scope
from builds.models import Build, Material, Service
from builds.services import get_or_create_service
from cache.tasks import roll_up_stale
from reports.comparison import compare
from reports.sisters import repository_of, sisters_of
from tests.trends.test_trends import built

pytestmark = pytest.mark.django_db

type ClientOf = Callable[[User], Client]
NODE = "pkg:docker/registry.example/shop/node@22-slim?platform=linux%2Famd64"


@pytest.fixture
def service(project: Project) -> Service:
    return get_or_create_service(project_id=project.pk, name="api")


def other(project: Project, name: str) -> Service:
    return get_or_create_service(project_id=project.pk, name=name)


def add(service: Service, days: int, *walls: float, base: str = "", **fields: Any) -> None:
    """Builds of so many days ago; ``base`` is a material of each."""
    for wall in walls:
        values = {"target": "", "ref_name": "main"} | fields
        build = built(service, timezone.now().date() - timedelta(days=days), wall, **values)
        if base:
            Material.objects.create(build=build, uri=base)


def rows_of(service: Service) -> dict[str, dict[str, Any]]:
    while roll_up_stale():
        pass
    rows, _ = compare(service, sisters_of(service))
    return {row["name"]: row for row in rows}


class TestOwnPast:
    def test_four_weeks_against_four_and_against_half_a_year(self, service: Service):
        add(service, 27, 30, 30, 30, 30)
        add(service, 28, 20, 20, 20, 20)
        add(service, 209, 40, 40, 40, 40, 40)
        add(service, 210, 999)
        row = rows_of(service)["wall_seconds"]
        assert (row["now"]["sample"], row["month"]["sample"], row["half_year"]["sample"]) == (
            4,
            4,
            9,
        )
        assert row["now"]["value"] == pytest.approx(30, rel=0.01)
        assert row["month"]["change"] == pytest.approx(0.5, rel=0.03)
        assert row["half_year"]["change"] == pytest.approx(-0.25, rel=0.03)
        assert (row["month"]["verdict"], row["half_year"]["verdict"]) == ("worse", "better")

    def test_ratios_differ_by_points_and_more_is_better(self, service: Service):
        add(service, 1, 1, 1, 1, 1)
        add(service, 30, 1, 1, 1)
        add(service, 30, 1, status=Build.Status.FAILED)
        add(service, 30, 1, status=Build.Status.CANCELED)
        row = rows_of(service)["success_ratio"]
        assert (row["now"]["value"], row["month"]["value"], row["month"]["sample"]) == (1, 0.75, 4)
        assert (row["month"]["change"], row["month"]["verdict"]) == (0.25, "better")

    def test_the_default_branch_is_told_apart(self, service: Service):
        add(service, 1, 1, 1, 1, 1)
        add(service, 1, 1, 1, 1, ref_name="feature", status=Build.Status.FAILED)
        rows = rows_of(service)
        assert rows["default_success_ratio"]["now"] == {
            "value": 1,
            "shown": "100 %",
            "sample": 4,
            "builds": 4,
        }
        assert rows["success_ratio"]["now"]["value"] == pytest.approx(4 / 7)

    def test_few_builds_are_shown_and_not_judged(self, service: Service):
        add(service, 1, 10, 10, 10)
        add(service, 30, 90, 90, 90, 90)
        row = rows_of(service)["wall_seconds"]
        assert row["month"]["change"] == pytest.approx(-8 / 9, rel=0.03)
        assert (row["month"]["verdict"], row["published"]["verdict"]) == ("", "")

    def test_many_steps_of_few_builds_are_not_judged(self, service: Service):
        add(service, 1, 1, cacheable_steps=40, cacheable_cached=40)
        add(service, 2, 1, 1, 1, 1)
        add(service, 30, 1, 1, 1, 1, cacheable_steps=40, cacheable_cached=0)
        add(service, 31, 1, status=Build.Status.CANCELED, cacheable_steps=40, cacheable_cached=0)
        few = rows_of(service)["hit_ratio"]
        assert (few["now"]["sample"], few["month"]["sample"]) == (40, 200)
        assert (few["month"]["change"], few["month"]["verdict"]) == (1, "")

    def test_what_is_not_known_is_not_zero(self, service: Service):
        add(service, 1, 10)
        row = rows_of(service)["image_bytes"]
        assert (row["now"]["value"], row["now"]["sample"], row["month"]["change"]) == (
            None,
            0,
            None,
        )


class TestPublished:
    def test_figures_stand_with_their_source(self, service: Service):
        add(service, 1, 599, 599, 599, 599)
        add(service, 1, 1, status=Build.Status.FAILED)
        rows = rows_of(service)
        wall, success = rows["wall_seconds"]["published"], rows["default_success_ratio"]
        assert wall["verdict"] == "better"
        assert success["published"]["verdict"] == "worse", "4 of 5 is not more than 90 %"
        assert "CircleCI" in wall["source"]
        assert rows["hit_ratio"]["published"] is None


class TestSisters:
    def test_a_base_image_tells_before_names_do(self, service: Service, project: Project):
        add(service, 1, 10, base=NODE, target="runtime")
        add(other(project, "web"), 1, 10, base=NODE.replace("22-slim", "20"), target="serve")
        add(other(project, "ai"), 1, 10, base="pkg:docker/python@3.11", target="runtime")
        [sister] = sisters_of(service)
        assert sister.service.name == "web"
        assert sister.rule == "base image registry.example/shop/node"

    def test_names_tell_where_no_base_does(self, service: Service, project: Project):
        add(service, 1, 10, base=NODE, target="runtime", variant="prod")
        add(other(project, "ai"), 1, 10, target="runtime", variant="dev")
        add(other(project, "ml"), 1, 10, target="train", variant="prod")
        assert [(s.service.name, s.rule) for s in sisters_of(service)] == [("ai", "target runtime")]

    def test_the_frontend_is_no_base(self, service: Service, project: Project):
        frontend = "pkg:docker/docker/dockerfile@1"
        add(service, 1, 10, base=frontend)
        add(other(project, "web"), 1, 10, base=frontend)
        assert sisters_of(service) == []

    def test_only_last_succeeded_builds_of_the_project_count(
        self, service: Service, project: Project, carol: User
    ):
        add(service, 1, 10, base=NODE)
        web = other(project, "web")
        add(web, 9, 10, base=NODE)
        add(web, 3, 10, base="pkg:docker/nginx@1")
        elsewhere = get_or_create_service(project_id=carol.projects.get().pk, name="web")
        add(elsewhere, 1, 10, base=NODE)
        assert sisters_of(service) == []
        assert sisters_of(other(project, "new")) == []

    def test_each_sister_has_one_voice(self, service: Service, project: Project):
        add(service, 1, 20, 20, 20, 20, base=NODE)
        for name, walls in (("a", (10,) * 9), ("b", (30,)), ("c", (40,))):
            add(other(project, name), 1, *walls, base=NODE)
        found = rows_of(service)["wall_seconds"]["sisters"]
        assert (found["services"], found["sample"], found["verdict"]) == (3, 11, "better")
        assert found["value"] == pytest.approx(30, rel=0.01)

    @pytest.mark.parametrize(
        ("uri", "expected"),
        [
            (NODE, "registry.example/shop/node"),
            (
                "pkg:docker/localhost:5000/shop/node@22?platform=linux%2Farm64",
                "localhost:5000/shop/node",
            ),
            ("pkg:docker/node?digest=sha256:1", "node"),
            ("pkg:docker/a%2Fb@1", "a/b"),
        ],
    )
    def test_repositories_are_without_tag_and_platform(self, uri: str, expected: str):
        assert repository_of(uri) == expected


class TestPage:
    def test_it_shows_all_in_few_queries(
        self, service: Service, project: Project, bob: User, carol: User, client_of: ClientOf
    ):
        add(service, 1, 10, 10, 10, 10, base=NODE)
        for number in range(6):
            add(other(project, f"s{number}"), 1, 10, base=NODE)
        while roll_up_stale():
            pass
        address = f"/projects/{project.slug}/services/api/comparison/"
        client = client_of(bob)
        with CaptureQueriesContext(connection) as queries:
            page = client.get(address).content.decode()
        assert len(queries) <= 12
        assert len(queries) <= 12
        assert "base image registry.example/shop/node" in page
        assert "median of 6" in page
        assert client_of(carol).get(address).status_code == 404

    def test_the_api_says_the_same(self, service: Service, api_of: Callable[..., APIClient]):
        add(service, 1, 10, 10, 10, 10)
        roll_up_stale()
        told = api_of(Scope.BUILDS_READ).get("/api/v1/services/api/comparison/").json()
        first = told["quantities"][0]
        assert (first["name"], first["now"]["sample"]) == ("wall_seconds", 4)
        assert first["published"]["source"].startswith("CircleCI")
        assert first["sisters"] == {
            "value": None,
            "sample": 0,
            "change": None,
            "verdict": "",
            "services": 0,
        }
        assert api_of(Scope.INGEST_WRITE).get("/api/v1/services/api/comparison/").status_code == 403
