"""Platforms: four weeks against the four before, and emulated steps against native ones."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Scope
from buildkit.model import StepKind
from buildkit.reading import read_builds
from builds.models import Build, Service, Step
from builds.services import BuildContext, get_or_create_service, record_build
from cache.tasks import roll_up_stale
from reports.platforms import platform_rows
from resources.emulation import emulation_of
from tests.trends.test_trends import built

pytestmark = pytest.mark.django_db

type ClientOf = Callable[[User], Client]
CORPUS = Path(__file__).resolve().parents[1] / "corpus" / "buildkit"
AMD, ARM = "linux/amd64", "linux/arm64"
BOTH = {"platforms": [AMD, ARM], "builder_platform": AMD}


@pytest.fixture
def service(project: Project) -> Service:
    return get_or_create_service(project_id=project.pk, name="api")


def days_ago(days: int) -> Any:
    return timezone.now().date() - timedelta(days=days)


def ran(build: Build, text: str, seconds: float, on: str = ARM, **fields: Any) -> None:
    """A command of stage ``build``; ``on`` is as BuildKit writes it in the step's name."""
    position = build.steps.count()
    values = {
        "name": f"[{on} build 2/9] RUN {text}",
        "kind": "run",
        "state": "executed",
        "stage": "build",
        "platform": ARM if "->" in on else on,
        "identity": f"{on}{text}",
        "busy_seconds": seconds,
    }
    empty = {
        "vertex_digest": f"sha256:{position}",
        "inputs": [],
        "intervals": [],
        "slack_seconds": 0.0,
        "critical": False,
        "what_if_seconds": 0.0,
        "dockerfile_name": "",
        "layer_digest": "",
        "error": "",
    }
    Step.objects.create(
        month=build.steps_month, build=build, position=position, **(empty | values | fields)
    )


class TestEachPlatform:
    def test_four_weeks_are_told_against_the_four_before(self, service: Service):
        for wall in (10, 20, 30, 40):
            built(service, days_ago(1), wall, platforms=[AMD], cacheable_steps=4)
        built(service, days_ago(27), 99, platforms=[AMD], status=Build.Status.FAILED)
        for wall in (20, 20, 20, 20):
            built(
                service,
                days_ago(28),
                wall,
                platforms=[AMD],
                cacheable_steps=4,
                cacheable_cached=3,
            )
        built(service, days_ago(56), 500, platforms=[AMD])
        roll_up_stale()
        while roll_up_stale():
            pass
        [row], together = platform_rows(service.project)
        now, before = row["now"], row["before"]
        assert (row["platforms"], together) == ([AMD], [])
        assert (now["builds"], now["succeeded"], now["success_ratio"]) == (5, 4, 0.8)
        assert (before["builds"], before["hit_ratio"], now["hit_ratio"]) == (4, 0.75, 0)
        assert now["median_seconds"] == pytest.approx(25, rel=0.01)
        assert row["change_ratio"] == pytest.approx(0.25, rel=0.03)
        assert row["verdict"] == "worse"

    def test_a_build_for_two_counts_to_both_and_stands_alone_too(self, service: Service):
        built(service, days_ago(1), 10, platforms=[AMD])
        built(service, days_ago(1), 30, **BOTH)
        built(service, days_ago(1), 30)
        roll_up_stale()
        single, together = platform_rows(service.project)
        counts = {tuple(row["platforms"]): row["now"]["builds"] for row in single}
        assert counts == {(AMD,): 2, (ARM,): 1, (): 1}
        assert [row["platforms"] for row in together] == [[AMD, ARM]]
        assert {row["verdict"] for row in single} == {""}, "one build judges nothing"


class TestEmulation:
    def test_emulated_commands_are_held_against_native_ones(self, service: Service):
        build = built(service, days_ago(1), 100, **BOTH)
        ran(build, "npm ci", 10, AMD)
        ran(build, "npm ci", 40)
        ran(build, "COPY-like", 40, kind="copy")
        found = emulation_of(service.project)
        [slow] = found.slowdowns
        assert (slow.platform, slow.ratio, slow.pairs, slow.is_usual) == (ARM, 4, 1, False)
        assert found.seconds_a_week == pytest.approx(30 / 4, rel=0.01), "over four weeks"
        [worst] = found.worst
        assert (worst.name, worst.service) == (f"[{ARM} build 2/9] RUN npm ci", "api")
        assert worst.href == f"{build.get_absolute_url()}?tab=steps#step-1"

    def test_the_usual_stands_for_a_cached_native_step(self, service: Service):
        build = built(service, days_ago(1), 100, **BOTH)
        ran(build, "npm ci", 0, AMD, state="cached", baseline_seconds=8.0)
        ran(build, "npm ci", 40)
        ran(build, "npm test", 0, AMD, state="cached", baseline_seconds=None)
        ran(build, "npm test", 9)
        [slow] = emulation_of(service.project).slowdowns
        assert (slow.is_usual, slow.ratio, slow.pairs) == (True, 5, 1)

    def test_cross_compiling_is_native(self, service: Service):
        build = built(service, days_ago(1), 100, **BOTH)
        ran(build, "go build", 10, AMD)
        ran(build, "go build", 11, f"{AMD}->arm64")
        found = emulation_of(service.project)
        assert (found.cross_compiled, found.pairs, found.seconds_a_week) == (1, 0, None)

    def test_an_unknown_builder_is_counted_and_not_guessed(self, service: Service):
        build = built(service, days_ago(1), 100, platforms=[AMD, ARM])
        ran(build, "npm ci", 10, AMD)
        ran(build, "npm ci", 40)
        found = emulation_of(service.project)
        assert (found.builds, found.unknown_builds, found.slowdowns) == (1, 1, [])

    def test_equal_commands_are_told_apart_by_their_place(self, service: Service):
        build = built(service, days_ago(1), 100, **BOTH)
        for on, times in ((AMD, (1, 10)), (ARM, (2, 50))):
            for number, seconds in enumerate(times):
                ran(build, "make", seconds, on, name=f"[{on} build {number + 2}/9] RUN make")
        assert sorted(step.found.ratio for step in emulation_of(service.project).worst) == [2, 5]

    def test_a_recorded_build_of_two_platforms_has_its_pairs(self, service: Service):
        path = CORPUS / "platforms" / "input.dockerbuild"
        [decoded] = read_builds(record=path.read_bytes())
        build = record_build(service=service, decoded=decoded, context=BuildContext())
        assert build.builder_platform == AMD
        Build.objects.update(listed_at=timezone.now())
        found = emulation_of(service.project)
        [slow] = found.slowdowns
        # RUN echo, RUN heredoc and RUN cat, each on both platforms
        assert (slow.platform, slow.builder, slow.pairs) == (ARM, AMD, 3)
        seconds = {
            (step.platform, step.stage, step.instruction): step.busy_seconds
            for step in decoded.steps
            if step.kind == StepKind.RUN
        }
        ratios = [
            taken / seconds[AMD, stage, text]
            for (on, stage, text), taken in seconds.items()
            if on == ARM
        ]
        assert slow.ratio == pytest.approx(median(ratios))


class TestPage:
    def test_it_shows_them_and_costs_the_same_whatever_there_is(
        self, service: Service, bob: User, carol: User, client_of: ClientOf
    ):
        address = f"/projects/{service.project.slug}/platforms/"
        client = client_of(bob)
        assert "No build in eight weeks" in client.get(address).content.decode()
        for number in range(8):
            build = built(service, days_ago(number), 100, **BOTH)
            ran(build, "<b>npm</b> ci", 10, AMD)
            ran(build, "<b>npm</b> ci", 30)
        while roll_up_stale():
            pass
        with CaptureQueriesContext(connection) as queries:
            page = client.get(address).content.decode()
        assert len(queries) <= 9
        assert "3.0 to 3.0 ×, 8 pairs of 8 builds" in page
        assert "&lt;b&gt;npm&lt;/b&gt; ci" in page
        assert "<b>npm" not in page
        assert client_of(carol).get(address).status_code == 404

    def test_the_api_says_the_same(self, service: Service, api_of: Callable[..., APIClient]):
        build = built(service, days_ago(1), 100, **BOTH)
        ran(build, "npm ci", 10, AMD)
        ran(build, "npm ci", 40)
        roll_up_stale()
        told = api_of(Scope.BUILDS_READ).get("/api/v1/platforms/").json()
        assert [row["platforms"] for row in told["platforms"]] == [[AMD], [ARM]]
        assert told["emulation"]["slowdowns"][0]["ratio"] == 4
        assert told["emulation"]["worst"][0]["pairs"] == 1
        assert api_of(Scope.INGEST_WRITE).get("/api/v1/platforms/").status_code == 403
