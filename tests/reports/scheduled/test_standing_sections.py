"""Parts on images, changes, builders and comparison, worked out by hand."""

from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine

from accounts.models import Project
from builds.models import Service
from builds.services import get_or_create_service
from reports.scheduled.making import optimisation_of
from reports.scheduled.optimisation import Section, Table
from reports.scheduled.pdf import as_pdf
from reports.scheduled.scope import Scope
from tests.reports.scheduled.conftest import DAY, NOW, add, added_up
from tests.reports.scheduled.test_sections import cells
from tests.resources.making import on_builder, settled
from tests.sizes.test_images import built as made_image
from trends.models import Change, Series

pytestmark = pytest.mark.django_db

MB = 1_000_000


def section_of(project: Project, key: str) -> Section | None:
    """That part alone of the report of the seven days before ``NOW``."""
    last = (NOW - DAY).date()
    report = optimisation_of("R", Scope.of(project, first=last - 6 * DAY, last=last), [key])
    return report.sections[0] if report.sections else None


def test_images_by_size_and_by_what_they_grew(project: Project, service: Service):
    with time_machine.travel(NOW, tick=False):
        made_image(service, 20, {"COPY": 5 * MB}, target="small")
        made_image(service, 20, {"RUN": 30 * MB}, target="large")
        assert section_of(project, "images") is None
        made_image(service, 2, {"COPY": 8 * MB}, target="small")
        section = section_of(project, "images")
    assert section is not None
    assert section.lead == "1 of 2 images grew, by 3 MB in all."
    largest, grew = section.tables
    assert [row[1].value for row in largest.rows] == [30 * MB, 8 * MB]
    row = cells(grew)
    assert (row["growth_bytes"].value, row["growth_bytes"].note) == (3 * MB, "+60 %")
    assert row["growth_bytes"].verdict == "worse"


def test_images_of_after_the_period_are_no_part_of_it(project: Project, service: Service):
    with time_machine.travel(NOW, tick=False):
        made_image(service, 9, {"COPY": 5 * MB}, target="nightly")
        made_image(service, 2, {"COPY": 8 * MB}, target="nightly")
        made_image(service, 0, {"COPY": 90 * MB}, target="nightly")
        made_image(service, 0, {"COPY": 99 * MB}, target="later")
        section = section_of(project, "images")
    with time_machine.travel(NOW + 5 * DAY, tick=False):
        made_image(service, 0, {"COPY": 1 * MB}, target="nightly")
        again = section_of(project, "images")
    assert section is not None
    assert section == again
    assert section.lead == "1 of 1 image grew, by 3 MB in all."
    assert [row[1].value for row in section.tables[0].rows] == [8 * MB]


def test_changes_found_in_the_period_the_largest_first(project: Project, service: Service):
    def change(ratio: float, days: int, *, is_slight: bool = False) -> None:
        add(service, days, 10)
        build = service.builds.latest("pk")
        series, _ = Series.objects.get_or_create(service=service, metric="wall_seconds")
        Change.objects.create(
            series=series,
            build=build,
            seen_in=build,
            kind=Change.Kind.STEP,
            direction=1 if ratio > 0 else -1,
            is_worse=ratio > 0,
            is_slight=is_slight,
            before=10.0,
            after=10.0 * (1 + ratio),
            ratio=ratio,
            ratio_low=ratio,
            ratio_high=ratio,
            p_value=0.001,
            found_at=NOW - days * DAY,
            builds_before=20,
            builds_after=4,
        )

    with time_machine.travel(NOW, tick=False):
        change(0.5, 2)
        change(-0.8, 3)
        change(3.0, 4, is_slight=True)
        change(9.0, 8)
        section = section_of(project, "changes")
    assert section is not None
    assert section.lead == "2 changes, 1 for the worse."
    assert [row[0].text for row in section.tables[0].rows] == [
        "Wall time of api down 80 %",
        "Wall time of api up 50 %",
    ]
    row = cells(section.tables[0], 1)
    assert (row["before"].text, row["after"].text) == ("10 s", "15 s")
    assert (row["before"].note, row["after"].note) == ("20 builds", "4 builds")


def test_builders_of_the_period(project: Project, service: Service):
    with time_machine.travel(NOW, tick=False):
        on_builder(service, NOW - 2 * DAY, 60)
        on_builder(service, NOW - 2 * DAY + timedelta(seconds=30), 60)
        on_builder(service, NOW - 20 * DAY, 60, builder="old")
        on_builder(service, NOW - timedelta(hours=2), 60, builder="new")
        settled()
        section = section_of(project, "resources")
    assert section is not None
    assert section.lead == "1 builder had builds."
    row = cells(section.tables[0])
    assert (row["builder"].text, row["builder"].note) == ("one", "busy 1 m 30 s")
    assert (row["builds"].value, row["builds"].note) == (2, "2 at once at most")
    assert row["slots"].text == "Not worked out yet"


def test_services_without_late_builds_are_not_compared(project: Project, service: Service):
    """Of 90 days: one has most builds but none of late, one has a build that never ended well."""
    web, gone = (
        get_or_create_service(project_id=project.pk, name=name) for name in ("web", "gone")
    )
    last = (NOW - DAY).date()
    scope = Scope.of(project, first=last - 89 * DAY, last=last)
    with time_machine.travel(NOW, tick=False):
        add(gone, 40, 10, 10, 10, 10, 10, 10)
        add(web, 2, 10, status="canceled")
        added_up()
        silent = optimisation_of("R", scope, ["comparison"])
        add(service, 2, 20)
        added_up()
        found = optimisation_of("R", scope, ["comparison"])
    assert silent.sections == ()
    assert silent.silent == ("Own past, sisters, published figures",)
    [section] = found.sections
    assert [table.title for table in section.tables] == ["api"]
    assert section.lead == "The service with most builds."
    assert section.path.endswith("/services/api/comparison/")


def test_a_pdf_of_a_table_without_columns(project: Project):
    """As reports have that were made before such tables were left out."""
    report = optimisation_of("R", Scope.of(project, first=NOW.date(), last=NOW.date()), ["method"])
    part = Section("comparison", "Past", "Known.", tables=(Table("web", (), ()),))
    assert as_pdf(replace(report, sections=(part,))).startswith(b"%PDF")


def test_a_service_is_held_against_its_past_and_published_figures(
    project: Project, service: Service
):
    with time_machine.travel(NOW, tick=False):
        add(service, 1, 20, 20, 20, 20)
        add(service, 30, 10, 10, 10, 10)
        added_up()
        section = section_of(project, "comparison")
    assert section is not None
    [table] = section.tables
    assert [column.name for column in table.columns] == [
        "quantity",
        "now",
        "month",
        "half_year",
        "published",
    ]
    wall = cells(table)
    assert wall["now"].value == pytest.approx(20, rel=0.01)
    assert wall["month"].value == pytest.approx(10, rel=0.01)
    assert wall["month"].verdict == "worse"
    assert wall["published"].verdict == "better"
    assert section.notes == (
        "Published figures: CircleCI, State of Software Delivery, 2020 to 2023.",
    )
