"""What reports tell, of a small history: each number worked out by hand."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import Project
from builds.models import Build, Service
from builds.services import get_or_create_service
from cache.models import CacheDay
from recommendations.models import Recommendation
from reports.models import ReportSection
from reports.scheduled.making import optimisation_of
from reports.scheduled.optimisation import Cell, Optimisation, Section, Table, inert
from reports.scheduled.scope import Scope
from tests.reports.scheduled.conftest import DAY, NOW, add, added_up
from tests.reports.test_security_overview import lived
from tests.security.test_waivers import NOW as SCANNED

pytestmark = pytest.mark.django_db


def report_on(project: Project, **narrowed: Any) -> Optimisation:
    """The report of the seven days before ``NOW``."""
    added_up()
    last = (NOW - DAY).date()
    days = {"first": last - 6 * DAY, "last": last}
    return optimisation_of("R", Scope.of(project, **days | narrowed), ReportSection.values)


def part(report: Optimisation, key: str) -> Section:
    return next(section for section in report.sections if section.key == key)


def cells(table: Table, at: int = 0) -> dict[str, Cell]:
    """The cells of a row by their columns."""
    names = [column.name for column in table.columns]
    return dict(zip(names, table.rows[at], strict=True))


class TestTrends:
    def test_a_week_is_held_against_the_one_before(self, project: Project, service: Service):
        with time_machine.travel(NOW, tick=False):
            add(service, 7, 20, cacheable_steps=10, cacheable_cached=5)
            add(service, 1, 20, 20, 20, cacheable_steps=10, cacheable_cached=5)
            add(service, 1, 5, status="failed")
            add(service, 8, 10, 10, 10, 10, cacheable_steps=10, cacheable_cached=8)
            add(service, 14, 10)
            add(service, 0, 999)
            add(service, 15, 999)
            section = part(report_on(project), "trends")
        row = cells(section.tables[0])
        assert (row["builds"].value, row["builds"].note) == (5, "5 before")
        wall = row["wall_seconds"]
        assert wall.value == pytest.approx(20, rel=0.01)
        assert wall.verdict == "worse"
        assert wall.note.startswith("of 4 builds; +")
        assert wall.note.endswith("of 5 before")
        assert row["success_ratio"].value == 0.8
        assert row["success_ratio"].note == "of 5 builds; −20 points, 100 % of 5 before"
        assert row["hit_ratio"].value == 0.5
        assert row["hit_ratio"].note == "of 40 steps; −30 points, 80 % of 40 before"
        assert section.lead.startswith("5 builds, 1 failed. Half of those")

    def test_few_builds_are_told_and_not_judged(self, project: Project, service: Service):
        with time_machine.travel(NOW, tick=False):
            add(service, 1, 20, 20, 20)
            add(service, 8, 10, 10, 10)
            section = part(report_on(project), "trends")
        assert cells(section.tables[0])["wall_seconds"].verdict == ""
        assert "too few builds to judge" in section.lead

    def test_it_is_narrowed_to_services_environment_and_branches(
        self, project: Project, service: Service
    ):
        other = get_or_create_service(project_id=project.pk, name="web")
        with time_machine.travel(NOW, tick=False):
            add(service, 1, 20, environment="prod")
            add(service, 1, 20, ref_name="topic")
            add(other, 1, 20)
            everything = report_on(project)
            own = report_on(project, slugs=["api"])
            prod = report_on(project, environment="prod")
            branch = report_on(project, branch_class="other")
        builds = [
            sum(int(row[1].value or 0) for row in part(found, "trends").tables[0].rows)
            for found in (own, prod, branch)
        ]
        assert builds == [2, 1, 1]
        rows = part(everything, "trends").tables[0].rows
        assert [(row[0].text, row[1].value) for row in rows] == [
            ("All of them", 3),
            ("api", 2),
            ("web", 1),
        ]
        assert own.scope == "api, all environments, all branches"
        assert any("all environments" in note for note in part(prod, "method").notes)

    def test_a_service_that_went_does_not_widen_it(self, project: Project, service: Service):
        with time_machine.travel(NOW, tick=False):
            add(service, 1, 20)
            found = report_on(project, slugs=["gone"])
        assert found.is_quiet
        assert found.scope.startswith("services that are no longer there")


class TestFailures:
    def test_classes_and_what_they_have_in_common(self, project: Project, service: Service):
        known = {"status": "failed", "failure_class": "network", "failure_fingerprint": "old"}
        fresh = {"status": "failed", "failure_class": "command", "failure_fingerprint": "new"}
        with time_machine.travel(NOW, tick=False):
            add(service, 9, 1, **known)
            add(service, 2, 1, **known)
            add(service, 2, 1, 1, failure_message="exit 1\nmore", **fresh)
            section = part(report_on(project), "failures")
        assert section.lead == "3 builds failed, lost ones included; 1 in the period before."
        classes, groups = section.tables
        assert [(row[0].value, row[1].value, row[2].value) for row in classes.rows] == [
            ("command", 2, 0),
            ("network", 1, 1),
        ]
        assert [(row[0].value, row[1].value, row[2].note) for row in groups.rows] == [
            ("new", 2, "new"),
            ("old", 1, ""),
        ]
        assert groups.rows[0][0].note == "api. exit 1"

    def test_none_is_left_out_and_named_as_such(self, project: Project, service: Service):
        with time_machine.travel(NOW, tick=False):
            add(service, 2, 1)
            found = report_on(project)
        assert "failures" not in {section.key for section in found.sections}
        assert "Failures" in found.silent


class TestAttention:
    def test_what_fails_stands_first_and_is_the_headline(self, project: Project, service: Service):
        with time_machine.travel(NOW, tick=False):
            add(service, 3, 1)
            add(service, 2, 1, status="failed", failure_message="no space")
            found = report_on(project)
        section = part(found, "attention")
        row = cells(section.tables[0])
        assert row["title"].text == "api does not build"
        assert row["title"].note == "the last build failed: no space"
        assert (row["severity"].verdict, row["since"].value) == ("high", "2026-11-28")
        assert found.headline == "1 thing needs attention, first: api does not build"

    def test_what_belongs_to_no_service_is_left_to_whole_reports(
        self, project: Project, service: Service, ci: APIClient
    ):
        ci.post("/api/v1/ingest/trivy/?sync=1", data="{", content_type="application/json")
        found = report_on(project)
        assert "1 upload could not be read" in part(found, "attention").lead
        assert report_on(project, slugs=["api"]).is_quiet
        assert report_on(project, labels=["team=payments"]).is_quiet


@pytest.mark.parametrize(
    ("builds", "before", "saved", "verdict"),
    [(4, 4, 30.0, "better"), (3, 4, 30.0, ""), (4, 3, 30.0, ""), (4, 4, 11.0, "")],
)
def test_the_cache_is_told_by_time_and_judged_from_four_builds_on(
    project: Project, service: Service, builds: int, before: int, saved: float, verdict: str
):
    with time_machine.travel(NOW, tick=False):
        for days, count, seconds in ((1, builds, saved), (8, before, 10.0)):
            CacheDay.objects.create(
                service=service,
                day=(NOW - days * DAY).date(),
                builds=count,
                cold_builds=0,
                partial_builds=count,
                warm_builds=0,
                cacheable_steps=8,
                cached_steps=4,
                unweighed_steps=0,
                saved_seconds=seconds,
                executed_seconds=10.0,
            )
        section = part(report_on(project), "cache")
    row = cells(section.tables[0])
    hits = saved / (saved + 10)  # 0.75, or 11 of 21 s: 2 points more than half
    assert (row["hit_ratio_time"].value, row["saved_seconds"].value) == (hits, saved)
    points = "+25 points" if saved == 30 else "+2 points"
    assert row["hit_ratio_time"].note == f"of 8 steps; {points}"
    assert row["hit_ratio_time"].verdict == verdict
    assert section.chart is not None
    assert [point.value for point in section.chart.points] == [0.5, hits]


def test_recommendations_are_ranked_and_small_ones_left_out(project: Project, service: Service):
    for number, (unit, worth) in enumerate([("s", 0.5), ("s", 60), ("s", 600), ("bytes", 5e6)]):
        Recommendation.objects.create(
            project=project,
            service=service,
            digest=str(number),
            key=str(number),
            kind="layer",
            title=f"Do {number}",
            how=["So"],
            unit=unit,
            worth=worth,
            builds=9,
            opened_at=NOW,
        )
    section = part(report_on(project), "recommendations")
    assert [[row[0].text for row in table.rows] for table in section.tables] == [
        ["Do 2", "Do 1"],
        ["Do 3"],
    ]
    assert section.lead == "3 recommendations. First: Do 2, worth 10 m 0 s a week."
    assert cells(section.tables[0])["worth"].note == "9 builds"


def test_vulnerabilities_are_those_that_came_and_went_in_the_period(
    ci: APIClient, project: Project
):
    lived(ci, project)
    last = SCANNED.date() - DAY
    with time_machine.travel(SCANNED, tick=False):
        scope = Scope.of(project, first=last - 29 * DAY, last=last)
        section = part(optimisation_of("R", scope, ["vulnerabilities"]), "vulnerabilities")
        nothing = Scope.of(project, first=last - 400 * DAY, last=last - 390 * DAY)
        quiet = part(optimisation_of("R", nothing, ["vulnerabilities"]), "vulnerabilities")
    table = {row[0].value: row for row in section.tables[0].rows}
    assert [cell.value for cell in table["CRITICAL"][1:]] == [1, 1, 0, 1]
    assert quiet.lead.startswith("0 new findings, 0 came back, 0 fixed, 1 overdue")


def test_ten_times_the_services_and_builds_cost_the_same(project: Project):
    def cost(services: range) -> int:
        for number in services:
            own = get_or_create_service(project_id=project.pk, name=f"s{number}")
            add(own, 1, 20, 20)
            add(own, 2, 20, status="failed", failure_class="command", failure_fingerprint="x")
        added_up()
        with CaptureQueriesContext(connection) as queries:
            report_on(project)
        return len(queries)

    with time_machine.travel(NOW, tick=False):
        few = cost(range(3))
        assert cost(range(3, 30)) == few
        found = report_on(project)
    assert part(found, "trends").notes == ("22 services with fewer builds left off.",)
    assert Build.objects.count() == 90


def test_texts_are_one_line_without_signs_that_steer():
    assert inert("a\r\nBcc: b\u202e\x00\u2066c\ud800") == "a Bcc: bc"
    assert len(inert("x" * 5000)) == 1000


def test_a_document_is_read_again_as_it_was(project: Project, service: Service):
    with time_machine.travel(NOW, tick=False):
        add(service, 1, 20, 20, 20, 20)
        add(service, 8, 10, 10, 10, 10)
        found = report_on(project)
    assert Optimisation.of_document(found.as_document()) == found
    assert found.period == "23 Nov 2026 to 29 Nov 2026"
    assert found.made_at - NOW == timedelta(0)
