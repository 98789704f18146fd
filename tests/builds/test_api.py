"""Builds for machines: fields, filters, pages, query budgets."""

import json
import os
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Scope
from accounts.services import create_token
from builds.models import Build, Service
from builds.services import BuildContext, get_or_create_service, record_build
from tests.builds.making import SECOND, START, build, cached, printed, step

pytestmark = pytest.mark.django_db
BUILDS = "/api/v1/builds/"
BUDGETS = Path(__file__).resolve().parents[1] / "query_budgets.json"


@pytest.fixture
def service(project: Project) -> Service:
    return get_or_create_service(project_id=project.pk, name="shop")


def add(service: Service, number: int, **context: str) -> Build:
    decoded = build(
        step(0, 0, 2, log=(printed("compiling <x>\n", 1),)),
        step(1, 2, 5),
        ref=f"ref{number}",
        started=START + number * 60 * SECOND,
    )
    return record_build(service=service, decoded=decoded, context=BuildContext(**context))


@pytest.fixture
def reader(api_of) -> APIClient:
    return api_of(Scope.BUILDS_READ)


def budget(name: str, path: str, client: APIClient) -> int:
    """Count the queries of a request and hold them against the recorded number.

    The first request of a token also notes its use; the second is the one that counts.
    """
    client.get(path)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    budgets = json.loads(BUDGETS.read_text())
    if os.environ.get("UPDATE_QUERY_BUDGETS"):
        budgets[name] = len(queries)
        BUDGETS.write_text(json.dumps(budgets, indent=2, sort_keys=True) + "\n")
    assert len(queries) == budgets[name], "\n".join(q["sql"][:200] for q in queries)
    return len(queries)


def test_the_list_costs_the_same_for_one_and_for_many(service: Service, reader: APIClient):
    add(service, 0)
    few = budget("api_build_list", BUILDS, reader)
    for number in range(1, 11):
        add(service, number)
    assert budget("api_build_list", BUILDS, reader) == few


def test_pages_follow_each_other_newest_first(service: Service, reader: APIClient):
    made = [add(service, number) for number in range(5)]
    path, seen = f"{BUILDS}?page_size=2", []
    while path:
        page = reader.get(path).json()
        seen += [item["id"] for item in page["results"]]
        path = page["next"]
    assert seen == [str(build.public_id) for build in reversed(made)]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("variant=dev", [1]),
        ("ref_name=main", [0]),
        ("service=shop", [1, 0]),
        ("service=none", []),
        ("status=succeeded&status=failed", [1, 0]),
        ("status=failed", []),
        ("platform=linux/amd64", [1, 0]),
        ("platform=linux/arm64", []),
        ("revision=abc", [0]),
        ("after=2026-01-05T08:00:30Z", [1]),
        ("before=2026-01-05T08:00:30Z", [0]),
    ],
)
def test_filters(service: Service, reader: APIClient, query: str, found: list[int]):
    made = [
        add(service, 0, ref_name="main", revision="abcdef"),
        add(service, 1, variant="dev"),
    ]
    results = reader.get(f"{BUILDS}?{query}").json()["results"]
    assert [item["id"] for item in results] == [str(made[i].public_id) for i in found]


def test_a_filter_that_is_wrong_is_refused(reader: APIClient):
    answer = reader.get(f"{BUILDS}?status=bad&after=never")
    assert answer.status_code == 400
    assert {error["attr"] for error in answer.json()["errors"]} == {"status", "after"}


def test_the_fields_of_a_build(service: Service, reader: APIClient):
    made = add(service, 0, trigger="push")
    found = reader.get(f"{BUILDS}{made.public_id}/").json()
    assert (found["service"], found["project"], found["trigger"]) == ("shop", "shop", "push")
    assert (found["wall_seconds"], found["hit_ratio_steps"], found["failure"]) == (5.0, 0.0, None)
    assert found["html_url"] == f"http://testserver/projects/shop/builds/{made.public_id}/"


def test_steps_name_their_inputs_by_digest(service: Service, reader: APIClient):
    steps = reader.get(f"{BUILDS}{add(service, 0).public_id}/steps/").json()
    assert [item["position"] for item in steps] == [0, 1]
    assert steps[1]["inputs"] == [steps[0]["vertex_digest"]]


def test_logs_can_be_narrowed(service: Service, reader: APIClient):
    path = f"{BUILDS}{add(service, 0).public_id}/log/"
    [log] = reader.get(path).json()
    assert (log["position"], log["text"], log["offsets_ms"]) == (0, "compiling <x>\n", [1000])
    assert len(reader.get(f"{path}?search=COMPILING").json()) == 1
    assert reader.get(f"{path}?search=nowhere").json() == []
    assert reader.get(f"{path}?step=1").json() == []
    assert reader.get(f"{path}?step=x").status_code == 400
    assert reader.get(f"{path}?search=%00").status_code == 400


def test_the_critical_path(service: Service, reader: APIClient):
    found = reader.get(f"{BUILDS}{add(service, 0).public_id}/critical-path/").json()
    assert found["seconds"] == 5.0
    assert [item["position"] for item in found["steps"]] == [0, 1]


def test_two_builds_compared(service: Service, reader: APIClient):
    before = add(service, 0)
    decoded = build(cached(0), step(1, 0, 9), step(2, 9, 10), ref="after", started=START + 10**12)
    after = record_build(service=service, decoded=decoded, context=BuildContext())
    path = f"{BUILDS}{after.public_id}/compare/"
    found = reader.get(f"{path}?against={before.public_id}").json()
    wall = next(row for row in found["totals"] if row["metric"] == "wall_seconds")
    assert (wall["before"], wall["after"], wall["delta"], wall["change_pct"]) == (5, 10, 5, 100)
    steps = [(row["name"][-1], row["delta_seconds"], row["state_before"]) for row in found["steps"]]
    assert steps == [("1", 6.0, "executed"), ("0", -2.0, "executed"), ("2", 1.0, None)]
    assert reader.get(path).status_code == 400
    assert reader.get(f"{path}?against=nonsense").status_code == 400
    assert reader.get(f"{path}?against=00000000-0000-0000-0000-000000000000").status_code == 404


def test_other_projects_see_nothing(service: Service, carol: User):
    made = add(service, 0)
    _, secret = create_token(
        project=carol.projects.get(), name="t", scopes=[Scope.BUILDS_READ], actor=carol
    )
    stranger = APIClient()
    stranger.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    assert stranger.get(BUILDS).json()["results"] == []
    for tail in ("", "steps/", "log/", "critical-path/", "compare/?against=x"):
        assert stranger.get(f"{BUILDS}{made.public_id}/{tail}").status_code == 404
    assert stranger.get("/api/v1/services/").json()["results"] == []
    assert stranger.get("/api/v1/services/shop/").status_code == 404
