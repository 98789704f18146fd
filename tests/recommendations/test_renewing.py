"""Recommendations are told from what was measured, ranked, closed, checked, and told again."""

from collections.abc import Callable
from datetime import timedelta
from statistics import median
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Project, User
from accounts.services import create_project
from builds.models import Build, Service
from cache.models import Advised, LayerAdvice, ReferenceDay
from recommendations.models import Recommendation, Renewed
from recommendations.renewing import due, renew
from recommendations.tasks import renew_project
from tests.trends.making import History
from trends.models import Change
from trends.tasks import follow_waiting

pytestmark = pytest.mark.django_db


def advise(service: Service, **fields: Any) -> LayerAdvice:
    values = {
        "key": "install build RUN npm ci",
        "kind": "install",
        "title": "Copy package.json first",
        "why": ["It ran in 8 of 10 builds."],
        "seconds_a_week": 40.0,
        "seconds_low": 30.0,
        "seconds_high": 50.0,
        "builds": 8,
        "diff": "--- a/Dockerfile\n+++ b/Dockerfile\n@@ -1 +1 @@\n-a\n+b <i>\n",
    }
    return LayerAdvice.objects.create(service=service, **values | fields)


def told() -> Recommendation:
    return Recommendation.objects.get()


def test_layer_advice_is_told_with_its_interval_and_closed_when_it_was_followed(
    service: Service, project: Project
):
    advice = advise(service, examples=["ref-1"])
    renew(project)
    row = told()
    assert (row.kind, row.unit, row.worth, row.low, row.high) == ("layer", "s", 40, 30, 50)
    assert (row.service, row.builds, row.examples) == (service, 8, ["ref-1"])
    Recommendation.objects.update(state="accepted", decided_by="ann")
    renew(project)
    assert (told().pk, told().state) == (row.pk, "accepted"), "told again, it stays decided"
    since = timezone.now() - timedelta(hours=2)
    LayerAdvice.objects.filter(pk=advice.pk).update(
        since=since,
        builds_before=9,
        builds_since=8,
        mean_before=10.0,
        mean_since=1.0,
        difference_low=-10.0,
        difference_high=-7.0,
    )
    renew(project)
    row = told()
    assert (row.closed_at, row.state, row.decided_by) == (since, "accepted", "ann")
    assert (row.difference, row.difference_low, row.difference_high) == (-9.0, -10.0, -7.0)
    LayerAdvice.objects.update(since=None)
    renew(project)
    row = told()
    assert (row.closed_at, row.reopened, row.state, row.difference) == (None, 1, "", None)


def test_a_change_for_the_worse_is_worth_its_seconds_at_the_builds_of_four_weeks(
    service: Service, project: Project, time_machine: Any
):
    history = History(service)
    history.add(40, {"install": 30.0, "compile": 20.0})
    history.add(12, {"install": 45.0, "compile": 20.0})
    follow_waiting()
    change = Change.objects.get()
    time_machine.move_to(history.at + timedelta(hours=1), tick=False)
    renew(project)
    row = told()
    since = [build for build in history.builds if build.listed_at >= change.build.listed_at]
    assert row.builds == len(since)
    before = [build for build in history.builds if build.listed_at < change.build.listed_at]
    usual = median(build.wall_seconds or 0 for build in before)
    more = sum((build.wall_seconds or 0) - usual for build in since)
    assert row.worth == pytest.approx(more / 4)
    assert row.low is not None
    assert row.high is not None
    assert row.low < row.worth < row.high
    assert row.page == change.get_absolute_url()
    assert any("RUN install" in text for text in row.why)
    assert any(change.build.revision[:12] in text for text in row.how)
    history.add(30, {"install": 30.0, "compile": 20.0})
    time_machine.move_to(history.at + timedelta(hours=1), tick=False)
    follow_waiting()
    change.refresh_from_db()
    assert change.state == "resolved"
    renew(project)
    row = told()
    assert row.closed_at == change.ended_at
    assert row.builds_before >= 8
    assert row.builds_since >= 8
    assert row.difference is not None
    assert row.difference < 0


def test_an_acknowledged_change_is_not_recommended(
    service: Service, project: Project, time_machine: Any
):
    history = History(service)
    history.add(40, {"install": 30.0})
    history.add(12, {"install": 45.0})
    follow_waiting()
    Change.objects.update(state="acknowledged")
    time_machine.move_to(history.at + timedelta(hours=1), tick=False)
    renew(project)
    assert not Recommendation.objects.exists()


def test_an_unread_cache_is_worth_the_seconds_of_its_exports(service: Service, project: Project):
    today = timezone.now().date()
    for age in range(10):
        ReferenceDay.objects.create(
            project=project,
            service=service,
            day=today - timedelta(days=age),
            reference="registry.example.com/api:cache",
            exports=2,
            max_exports=2,
            export_seconds=12.0,
        )
    renew(project)
    row = told()
    assert (row.kind, row.worth, row.low, row.high) == ("reference", 30.0, 30.0, 30.0)
    assert (row.service, row.builds) == (service, 20)
    assert "no build imported it" in row.why[0]


def test_the_page_ranks_by_worth_and_needs_few_queries(
    service: Service, project: Project, alice: User, client_of: Callable[[User], Client]
):
    for number in range(25):
        advise(service, key=f"key {number}", title=f"Advice {number}.", seconds_a_week=number + 0.5)
    Advised.objects.create(service=service, made_at=timezone.now(), groups=[])
    renew(project)
    client = client_of(alice)
    address = f"/projects/{project.slug}/recommendations/"
    client.get(address)
    with CaptureQueriesContext(connection) as queries:
        page = client.get(address).content.decode()
    assert len(queries) <= 14
    places = [page.index(f"Advice {number}.") for number in (24, 10, 1)]
    assert places == sorted(places)
    assert "Advice 0." not in page
    assert "1 more is worth less than" in page
    assert "b &lt;i&gt;" in page
    other = client.get(f"{address}?kind=change").content.decode()
    assert "Advice 24." not in other
    assert "Advice 24." in client.get(service.get_absolute_url()).content.decode()


def test_a_project_is_due_when_builds_or_advice_came(service: Service, project: Project):
    assert due() == [project.pk]
    renew_project(project.pk)
    assert due() == []
    at = timezone.now()
    Renewed.objects.update(made_at=at - timedelta(minutes=3))
    assert due() == [], "nothing came"
    Advised.objects.create(service=service, made_at=at, groups=[])
    assert due() == [project.pk]
    Advised.objects.all().delete()
    Build.objects.create(
        project=project,
        service=service,
        listed_at=at,
        steps_month=at.date().replace(day=1),
        status="succeeded",
    )
    assert due() == [project.pk]
    Renewed.objects.update(made_at=at - timedelta(minutes=1))
    assert due() == [], "not so soon"
    Build.objects.all().delete()
    Renewed.objects.update(made_at=at - timedelta(days=2))
    assert due() == [project.pk], "what is old is told no more"


def test_another_project_is_left_alone(service: Service, project: Project, alice: User):
    other = create_project(name="Other", owner=alice)
    advise(service)
    renew(other)
    assert not Recommendation.objects.exists()
