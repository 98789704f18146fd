"""Services on the same base, and smaller bases that builds of the project have measured."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Scope
from accounts.services import create_project
from builds.models import Build, BuildImage, Step
from builds.services import get_or_create_service
from sizes.following import follow_next
from tests.sizes.making import imaged

pytestmark = pytest.mark.django_db


def built(project: Project, name: str, base: str, size: int, days: float = 1, **own: int) -> Build:
    """A build whose image stands on a base, the lowest layer, which its ``FROM`` has made."""
    service = get_or_create_service(project_id=project.pk, name=name)
    at = timezone.now() - timedelta(days=days)
    added = {kind.replace("_", " "): bytes_ for kind, bytes_ in own.items()}
    build = imaged(service, 0, {f"{base} below": size, **added}, at=at)
    lowest = BuildImage.objects.get(build=build).image.layers.get(position=0)
    Step.objects.create(
        month=build.steps_month,
        build=build,
        position=0,
        vertex_digest="sha256:0",
        name=f"[app 1/2] FROM registry.example.com/{base}@sha256:{'0a' * 32}",
        kind="from",
        state="cached",
        stage="app",
        platform="",
        identity="from",
        inputs=[],
        intervals=[],
        busy_seconds=0.0,
        slack_seconds=0.0,
        critical=False,
        what_if_seconds=0.0,
        dockerfile_name="",
        layer_digest=lowest.digest,
        error="",
    )
    while follow_next():
        pass
    return build


@pytest.fixture
def told(api_of: Callable[..., APIClient]) -> Callable[[str], dict[str, Any]]:
    def ask(service: str) -> dict[str, Any]:
        answer = api_of(Scope.BUILDS_READ).get(f"/api/v1/services/{service}/sizes/")
        found: dict[str, Any] = answer.json()
        return found

    return ask


def test_sisters_are_compared_by_kind_of_instruction(
    project: Project, told: Callable[[str], dict[str, Any]]
):
    built(project, "api", "node:22", 800, RUN_npm_ci=150, COPY_src=20, ADD_x=3)
    built(project, "web", "node:22-slim", 300, RUN_npm_ci=90)
    built(project, "ai", "python:3.13", 500, RUN_pip=70)
    found = told("api")
    assert found["base"] == "FROM registry.example.com/node"
    rows = [
        (s["service"], s["total_bytes"], s["from_bytes"], s["run_bytes"], s["copy_bytes"])
        for s in found["sisters"]
    ]
    assert rows == [("web", 390, 300, 90, 0), ("api", 973, 800, 150, 23)]
    assert told("ai")["sisters"] == [], "alone it is nothing to compare"


def test_smaller_bases_are_those_that_builds_measured(
    project: Project, told: Callable[[str], dict[str, Any]]
):
    built(project, "api", "node:20-slim", 280, days=9, RUN_npm_ci=140)
    built(project, "api", "node:22", 800, RUN_npm_ci=150)
    built(project, "web", "node:22-alpine", 120, RUN_npm_ci=90)
    built(project, "big", "node:22-full", 990, RUN_npm_ci=90)
    built(project, "ai", "python:3.13-alpine", 20, RUN_pip=70)
    rows = [
        (b["name"], b["size_bytes"], b["saved_bytes"], b["was_here"]) for b in told("api")["bases"]
    ]
    assert rows == [
        ("registry.example.com/node:22-alpine", 120, 680, False),
        ("registry.example.com/node:20-slim", 280, 520, True),
    ]


def test_the_last_measurement_of_a_base_counts(
    project: Project, told: Callable[[str], dict[str, Any]]
):
    built(project, "web", "node:22-alpine", 100, days=20, RUN_a=1)
    built(project, "web", "node:22-alpine", 130, days=2, RUN_a=1)
    built(project, "api", "node:22", 800, RUN_a=1)
    assert [base["size_bytes"] for base in told("api")["bases"]] == [130]


def test_other_projects_do_not_show(
    project: Project, alice: User, told: Callable[[str], dict[str, Any]]
):
    other = create_project(name="Other", owner=alice)
    built(other, "web", "node:22-alpine", 100, RUN_a=1)
    built(project, "api", "node:22", 800, RUN_a=1)
    found = told("api")
    assert (found["sisters"], found["bases"]) == ([], [])


def test_the_page_says_that_a_base_was_not_tried(
    project: Project, client_of: Callable[[User], Client], bob: User
):
    built(project, "web", "node:22-alpine", 100, RUN_a=1)
    built(project, "api", "node:22", 800, RUN_a=1)
    page = client_of(bob).get("/projects/shop/services/api/sizes/").content.decode()
    assert "not tried" in page
    assert "registry.example.com/node:22-alpine" in page
