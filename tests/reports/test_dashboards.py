"""Overview and service page: what they say, worked out by hand, and what they cost."""

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Project, User
from buildinsights.svg import Box, shapes
from buildkit.model import BuildStatus, Failure, StepState
from builds.models import Build, Service
from builds.services import BuildContext, get_or_create_service, record_build
from cache.tasks import roll_up_stale
from ingest.models import IngestPayload, PayloadKind
from reports.overview import overview_page
from reports.service_page import costly_steps, trend
from tests.builds.making import SECOND, build, step
from trends.weeks import weekly

pytestmark = pytest.mark.django_db
DAY = 86_400


@pytest.fixture
def add(project: Project) -> Callable[..., Build]:
    """Record a build of one step that took ``seconds``, ``days`` ago."""
    numbers = iter(range(1_000_000))

    def make(
        days: float, seconds: float, service: str = "shop", ref_name: str = "", **fields: Any
    ) -> Build:
        decoded = build(
            step(0, 0, seconds, **fields.pop("step", {})),
            ref=f"ref{next(numbers)}",
            started=round(time.time() - days * DAY) * SECOND,
            **fields,
        )
        # ``build`` counts the end from a fixed start: only its length is used.
        owner = get_or_create_service(project_id=project.pk, name=service)
        return record_build(service=owner, decoded=decoded, context=BuildContext(ref_name=ref_name))

    return make


def shown(project: Project) -> dict[str, Any]:
    """The overview, once a worker has added up the days."""
    roll_up_stale()
    return overview_page(project)


def row_of(project: Project, name: str = "shop") -> dict[str, Any]:
    rows = {row["service"].slug: row for row in shown(project)["services"]}
    found: dict[str, Any] = rows[name]
    return found


FAILED = {"status": BuildStatus.FAILED, "failure": Failure("npm ci failed\nsecond line")}


class TestOverview:
    def test_a_week_is_told_against_the_week_before(self, project: Project, add):
        for seconds in (10, 20, 30, 40):
            add(8, seconds)
        for seconds in (30, 40, 50, 60):
            add(1, seconds)
        row = row_of(project)
        # medians 25 and 45 s; 20 ÷ 25
        found = (row["median_before_seconds"], row["median_seconds"], row["change_ratio"])
        assert found == pytest.approx((25, 45, 0.8), rel=0.03)
        assert row["verdict"] == "worse"
        [item] = shown(project)["attention"]
        assert re.fullmatch(r"shop takes (79|80|81) % longer than the week before", item["title"])
        assert re.match(r"the median of 4 builds is 4[45](\.\d)? s; it was 2[45]", item["why"])

    def test_few_builds_are_not_judged(self, project: Project, add):
        for _ in range(4):
            add(8, 1)
        for _ in range(3):
            add(1, 100)
        row = row_of(project)
        assert row["change_ratio"] == pytest.approx(99, rel=0.03)
        assert row["verdict"] == ""
        assert shown(project)["attention"] == []

    def test_a_run_of_failures_says_how_many_and_since_when(self, project: Project, add):
        add(3, 1)
        first = add(2, 1, **FAILED)
        last = add(1, 1, **FAILED)
        [item] = shown(project)["attention"]
        assert (item["severity"], item["title"]) == ("high", "shop does not build")
        assert item["why"] == "the last 2 builds failed: npm ci failed"
        assert (item["since"], item["href"]) == (first.listed_at, last.get_absolute_url())

    def test_what_fails_elsewhere_is_no_alarm_while_the_default_branch_builds(
        self, project: Project, add
    ):
        add(4, 1, ref_name="main")
        add(3, 1, ref_name="feature/x", **FAILED)
        assert shown(project)["attention"] == []
        failed = add(2, 1, ref_name="main", **FAILED)
        add(1, 1, ref_name="feature/x")
        [item] = shown(project)["attention"]
        assert (item["severity"], item["title"]) == ("high", "shop does not build")
        assert (item["why"], item["since"]) == (
            "the last build failed: npm ci failed",
            failed.listed_at,
        )

    def test_where_a_service_fails_that_has_no_default_branch(self, project: Project, add):
        add(1, 1, ref_name="develop", **FAILED)
        [item] = shown(project)["attention"]
        assert (item["severity"], item["title"]) == ("medium", "shop does not build on develop")

    def test_a_success_after_failures_is_quiet(self, project: Project, add):
        add(2, 1, **FAILED)
        add(1, 1)
        assert shown(project)["attention"] == []

    def test_the_period_adds_all_services_up(self, project: Project, add):
        add(1, 10, service="a")
        add(2, 20, service="b")
        add(3, 5, service="b", **FAILED)
        add(9, 99, service="b")
        period = shown(project)["period"]
        assert (period["builds"], period["ended"], period["succeeded"]) == (3, 3, 2)
        assert period["succeeded_ratio"] == pytest.approx(2 / 3)
        assert period["time_spent_seconds"] == 35

    def test_uploads_that_failed_wait_for_somebody(self, project: Project, add):
        add(1, 1)
        for number in range(2):
            IngestPayload.objects.create(
                project=project,
                kind=PayloadKind.BUILDKIT,
                sha256=str(number),
                body=b"x",
                size_bytes=1,
                state="failed",
            )
        [item] = shown(project)["attention"]
        assert (item["severity"], item["title"]) == ("low", "2 uploads could not be read")

    def test_it_costs_the_same_for_one_service_and_for_many(
        self, project: Project, bob: User, client_of: Callable[[User], Client], add
    ):
        counts = []
        for services in (["s0"], ["s1", "s2", "s3", "s4"]):
            for name in services:
                add(1, 1, service=name)
            with CaptureQueriesContext(
                connection,
            ) as queries:
                assert client_of(bob).get("/projects/shop/").status_code == 200
            counts.append(len(queries))
        assert counts[0] == counts[1]


class TestServicePage:
    def test_weeks_have_their_quartiles(self, project: Project, add):
        for seconds in (1, 2, 3, 4, 5):
            add(1, seconds)
        add(15, 10)
        service = Service.objects.get()
        roll_up_stale()
        shown = trend(service, {})
        assert [(row["label"], row["builds"]) for row in shown["rows"]] == [
            ("2 weeks earlier", 1),
            ("last 7 days", 5),
        ]
        newest = shown["rows"][-1]
        found = (newest["low_seconds"], newest["median_seconds"], newest["high_seconds"])
        assert found == pytest.approx((2, 3, 4), rel=0.01)
        assert shown["summary"].startswith("6 succeeded builds; weekly median ")
        assert weekly(service, {"target": "another"}, 26) == {}

    def test_steps_are_ranked_by_what_they_cost(self, project: Project, add):
        add(3, 6, step={"identity": "slow", "name": "RUN slow"})
        add(2, 0, step={"identity": "slow", "name": "RUN slow", "state": StepState.CACHED})
        last = add(1, 2, step={"identity": "fast", "name": "RUN fast"})
        rows = costly_steps(list(Build.objects.all()))
        assert [(row["name"], row["busy_seconds"], row["share"]) for row in rows] == [
            ("RUN slow", 6, 0.75),
            ("RUN fast", 2, 0.25),
        ]
        assert (rows[0]["hits"], rows[0]["builds"], rows[0]["hit_ratio"]) == (1, 2, 0.5)
        assert rows[1]["href"] == f"{last.get_absolute_url()}?tab=steps#step-0"

    @pytest.mark.parametrize("query", ["", "?cache_state=cold", "?target=nonsense", "?variant=%00"])
    def test_members_get_in_and_others_do_not(
        self, bob: User, carol: User, client_of: Callable[[User], Client], add, query: str
    ):
        add(1, 1)
        path = f"/projects/shop/services/shop/{query}"
        assert client_of(bob).get(path).status_code == (400 if "%00" in query else 200)
        assert client_of(carol).get(path).status_code in {400, 404}


def test_a_series_is_laid_out_from_zero():
    drawn = shapes([(0, 5, 10), None, (10, 10, 10)], Box(100, 24, margin=2))
    # 20 units for 10: 5 lies at 24 - 2 - 10 = 12; the gap keeps its place
    assert drawn.points == "0.0,12.0 100.0,2.0"
    assert drawn.band == "0.0,2.0 100.0,2.0 100.0,2.0 0.0,22.0"
    assert shapes([(1, 1, 1)], Box(100, 24)).points == ""
