"""What the part on the method says of narrowing is what narrowing does."""

from dataclasses import replace
from typing import Any

import pytest
import time_machine

from accounts.models import Project
from builds.models import Service
from builds.services import get_or_create_service
from cache.models import CacheDay
from recommendations.models import Recommendation
from reports.models import ReportSection
from reports.scheduled.scope import Scope
from reports.scheduled.sections import SECTIONS
from reports.scheduled.sections.narrowing import NARROWED_BY, not_narrowed
from security.models import Finding
from tests.reports.scheduled.conftest import DAY, NOW, add, added_up
from tests.reports.scheduled.test_standing_sections import MB
from tests.resources.making import on_builder, settled
from tests.sizes.test_images import built as made_image
from trends.models import Change, Series

pytestmark = pytest.mark.django_db

ELSEWHERE = {
    "services": {"slugs": ["web"]},
    "environment": {"environment": "staging"},
    "branch_class": {"branch_class": "release"},
}
"""Scopes in which nothing is."""


def scope_of(project: Project, **narrowed: Any) -> Scope:
    last = (NOW - DAY).date()
    return Scope.of(project, first=last - 6 * DAY, last=last, **narrowed)


def lived(service: Service) -> None:
    """Something for each part, all of the default branch and of production."""
    add(service, 3, 10, 10, environment="prod")
    add(service, 2, 10, environment="prod", status="failed", failure_class="command")
    made_image(service, 2, {"COPY": 8 * MB}, environment="prod")
    on_builder(service, NOW - 2 * DAY, 60, environment="prod", ref_name="main")
    settled()
    added_up()
    build = service.builds.latest("pk")
    series = Series.objects.create(service=service, metric="wall_seconds", environment="prod")
    ratios = {"ratio": 1.0, "ratio_low": 1.0, "ratio_high": 1.0}
    counts = {"builds_before": 9, "builds_after": 9, "before": 1.0, "after": 2.0, "p_value": 0.01}
    Change.objects.create(
        series=series,
        build=build,
        seen_in=build,
        kind="step",
        direction=1,
        is_worse=True,
        found_at=NOW - 2 * DAY,
        **ratios,
        **counts,
    )
    CacheDay.objects.filter(service=service).delete()
    CacheDay.objects.create(
        service=service,
        day=(NOW - DAY).date(),
        builds=2,
        cold_builds=0,
        partial_builds=2,
        warm_builds=0,
        cacheable_steps=8,
        cached_steps=4,
        unweighed_steps=0,
        saved_seconds=9.0,
        executed_seconds=9.0,
    )
    Recommendation.objects.create(
        project=service.project,
        service=service,
        digest="1",
        key="1",
        kind="layer",
        title="Do it",
        how=["So"],
        unit="s",
        worth=600,
        builds=9,
        opened_at=NOW - 3 * DAY,
    )
    Finding.objects.create(
        project=service.project,
        service=service,
        kind="vulnerability",
        name="CVE-1",
        package="pkg:deb/debian/openssl",
        severity=5,
        environments=["prod"],
        first_seen_at=NOW - 2 * DAY,
        due_at=NOW - DAY,
    )


@pytest.mark.parametrize("name", ELSEWHERE)
def test_parts_are_silent_elsewhere_if_they_are_narrowed(
    project: Project, service: Service, name: str
):
    get_or_create_service(project_id=project.pk, name="web")
    everything, elsewhere = scope_of(project), scope_of(project, **ELSEWHERE[name])
    # Which services are compared is told by the builds that are meant, so without any it is silent.
    told = [part for part in ReportSection if part not in {"method", "comparison"}]
    with time_machine.travel(NOW, tick=False):
        lived(service)
        assert [part for part in told if SECTIONS[part](everything) is None] == []
        silent = {part for part in told if SECTIONS[part](elsewhere) is None}
    assert silent == {part for part in told if name in NARROWED_BY[part]}


def test_numbers_of_the_comparison_are_of_all_builds(project: Project, service: Service):
    with time_machine.travel(NOW, tick=False):
        add(service, 2, 10, 10, environment="prod")
        add(service, 2, 10, environment="dev", ref_name="topic")
        added_up()
        narrow = scope_of(project, environment="prod", branch_class="default")
        section = SECTIONS["comparison"](narrow)
    assert section is not None
    assert section.tables[0].rows[0][1].note == "of 3 builds"


def test_each_part_of_a_report_says_what_narrows_it():
    assert set(NARROWED_BY) == set(ReportSection) == set(SECTIONS)


def test_the_method_names_what_is_wider_than_the_report(project: Project, service: Service):
    def said(**narrowed: Any) -> list[str]:
        return list(not_narrowed(scope_of(project, **narrowed)))

    assert said() == []
    assert said(labels=["team=a"]) == ["Told of all services of the project: Builders."]
    assert said(slugs=["api"]) == said(labels=["team=a"])
    [environment] = said(environment="prod")
    assert environment == (
        "Told of all environments: Needs attention now; What to do first; What the cache was"
        " worth; Images; Builders; Own past, sisters, published figures."
    )
    few = replace(scope_of(project, environment="prod"), parts=("trends", "images", "method"))
    assert list(not_narrowed(few)) == ["Told of all environments: Images."]
    [branches] = said(branch_class="default")
    assert branches == (
        "Told of all branches: Needs attention now; What to do first; What changed; What the"
        " cache was worth; Images; Builders; Vulnerabilities; Own past, sisters, published"
        " figures."
    )
