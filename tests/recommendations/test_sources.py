"""What images, builders and emulation could do without, by hand-computed worth."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Project
from builds.models import Build, Service
from recommendations.models import Recommendation
from recommendations.renewing import renew
from resources.findings import weigh_next
from sizes.following import follow_next
from sizes.models import ImageContents
from tests.reports.test_platforms import AMD, BOTH, days_ago, ran
from tests.resources.making import settled
from tests.resources.test_findings import planted
from tests.sizes.making import imaged
from tests.sizes.test_sisters import built as built_on
from tests.trends.test_trends import built

pytestmark = pytest.mark.django_db

NODE = "FROM docker.io/library/node:22"
GCC = {
    "name": "gcc",
    "why": "Compilers build a service.",
    "bytes": 90_000_000,
    "files": 2,
    "path": "usr/bin/gcc-12",
    "instruction": "RUN apt-get install -y build-essential",
}
LOG = {
    "path": "var/log/dpkg.log",
    "bytes": 7_000_000,
    "instruction": "RUN apt-get install -y build-essential",
    "by": "RUN rm /var/log/dpkg.log",
}


def made(service: Service, days: int, sizes: dict[str, int | None], **fields: Any) -> Build:
    build = imaged(service, 0, sizes, at=timezone.now() - timedelta(days=days), **fields)
    while follow_next():
        pass
    return build


def told(project: Project) -> dict[str, Recommendation]:
    renew(project)
    return {row.kind: row for row in Recommendation.objects.filter(project=project)}


def test_what_need_not_be_in_an_image_counts_with_each_image(service: Service, project: Project):
    for days in (40, 10, 1):
        build = made(service, days, {NODE: 500, "COPY app": days}, variant="prod")
    contents = {"read_at": timezone.now(), "wasted_bytes": 7_000_000, "wasted": [LOG]}
    ImageContents.objects.create(image=build.images.get(), tools=[GCC], **contents)
    rows = told(project)
    assert set(rows) == {"tools", "waste"}
    # Two images of the last four weeks have it.
    assert (rows["tools"].worth, rows["waste"].worth) == (45_000_000, 3_500_000)
    assert rows["tools"].is_upper_bound, "files are not compressed"
    assert (rows["tools"].service, rows["tools"].builds) == (service, 2)
    assert "gcc (90 MB)" in rows["tools"].why[0]
    assert "/var/log/dpkg.log" in rows["waste"].why[0]
    assert rows["tools"].page.endswith(f"/images/{build.images.get().digest}/")


def test_tools_of_what_is_not_for_production_are_not_told(service: Service, project: Project):
    build = made(service, 1, {NODE: 500}, variant="dev")
    known = {"read_at": timezone.now(), "wasted_bytes": 0, "tools": [GCC]}
    ImageContents.objects.create(image=build.images.get(), **known)
    assert told(project) == {}


def test_a_smaller_base_is_one_that_was_measured_here(service: Service, project: Project):
    built_on(project, "api", "node:22", 800, days=2)
    assert told(project) == {}, "no other is known"
    built_on(project, "other", "node:22-slim", 300, days=50)
    [row] = told(project).values()
    assert (row.kind, row.service, row.worth) == ("base", service, 500 / 4)
    assert "It was not tried here." in row.why[0]
    assert row.title == "Build api on registry.example.com/node:22-slim"


def test_fewer_builds_at_once_are_worth_the_time_that_they_hold_the_builder_less(
    service: Service, project: Project
):
    planted(service, {0: 1.0, 1: 1.5, 2: 3.0})
    settled()
    weigh_next()
    [row] = told(project).values()
    # Of three at once each takes 3 / 3 of the time of one alone, of two 1.5 / 2: a quarter of 10 s
    # for each of the 24 builds, in four weeks.
    assert (row.kind, row.builds) == ("slots", 24)
    assert row.worth == pytest.approx(24 * 2.5 / 4)
    assert row.low is not None
    assert row.high is not None
    assert row.low < row.worth < row.high
    assert row.title == "Run 2 builds at once on one"


def test_where_builds_at_once_cost_nothing_none_is_told(service: Service, project: Project):
    planted(service, {0: 1.0, 1: 1.0, 2: 1.0})
    settled()
    weigh_next()
    assert told(project) == {}


def test_emulation_is_worth_what_it_takes_longer(service: Service, project: Project):
    build = built(service, days_ago(1), 100, **BOTH)
    ran(build, "npm ci", 10, AMD)
    ran(build, "npm ci", 40)
    [row] = told(project).values()
    assert (row.kind, row.low, row.builds) == ("emulation", None, 1)
    assert row.worth == pytest.approx(7.5), "30 s in four weeks"
    assert row.title == "Build linux/arm64 without emulation"
    assert "4.0 times as long" in row.why[0]
