"""Builds that end without records count to their day like all others."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models import Sum
from django.utils import timezone

from accounts.models import Project, User
from buildkit.failure_classes import FailureClass
from builds.models import Build
from builds.partitions import month_of
from builds.services import get_or_create_service
from builds.signals import build_ended
from cache.models import StaleDay
from cache.tasks import roll_up_stale
from farm.claims import claim
from farm.endings import finish
from farm.models import BuildRequest
from farm.queueing import Wish
from farm.services import cancel, trigger
from farm.tasks import end_unheard_of
from tests.farm.conftest import MakeSource
from trends.models import BuildDay

pytestmark = pytest.mark.django_db


@pytest.fixture
def told() -> Iterator[list[Build]]:
    """The builds that others are told of, in that order."""
    builds: list[Build] = []

    def note(build: Build, **_: Any) -> None:
        builds.append(build)

    build_ended.connect(note)
    yield builds
    build_ended.disconnect(note)


def asked(source: Any, actor: User, **wish: Any) -> BuildRequest:
    [request] = trigger(sources=[source], wish=Wish(**wish), actor=actor)
    return request


def counted() -> list[tuple[str, int, int, int]]:
    """Service, builds, successes and failures, after all days that wait were added up."""
    roll_up_stale()
    rows = BuildDay.objects.order_by().values_list("service__name")
    return list(rows.annotate(Sum("builds"), Sum("succeeded"), Sum("failed")))


def test_failed_checkouts_count_as_failures_of_their_day(make_source: MakeSource, alice: User):
    source = make_source("api")
    for branch in ("one", "two"):
        request = asked(source, alice, ref_name=branch)
        assert claim("test:1") == request
        finish(request, Build.Status.FAILED, message="fatal: repository not found")
    canceled = asked(source, alice)
    cancel(build=canceled.build, actor=alice)
    assert counted() == [("api", 3, 0, 2)]


def test_a_failure_that_is_tried_again_counts_too(make_source: MakeSource, alice: User):
    request = asked(make_source("api", retries=1), alice)
    claim("test:1")
    finish(request, Build.Status.FAILED, FailureClass.NETWORK, "connection reset by peer")
    assert BuildRequest.objects.filter(retry_of=request).exists()
    assert counted() == [("api", 1, 0, 1)]


def test_what_was_recorded_or_goes_on_is_not_told_again(
    make_source: MakeSource, alice: User, told: list[Build]
):
    request = asked(make_source("api"), alice)
    claim("test:1")
    Build.objects.update(status=Build.Status.SUCCEEDED)
    finish(request)
    finish(request, Build.Status.LOST)
    assert told == []
    assert not StaleDay.objects.exists()


def test_those_that_end_together_are_told_in_the_order_of_their_services(
    make_source: MakeSource, alice: User, told: list[Build]
):
    api, web, base = make_source("api"), make_source("web"), make_source("base")
    for source in (api, web):
        source.needs.set([base])
    requests = trigger(sources=[web, api, base], wish=Wish(), actor=alice)
    finish(requests[2], Build.Status.FAILED, FailureClass.COMMAND, "exit code: 1")
    statuses = [(build.service, build.status) for build in told]
    expected = [(api, "canceled"), (web, "canceled"), (base, "failed")]
    assert statuses == [(source.service, status) for source, status in expected]


def test_those_that_a_push_replaces_are_told_in_the_order_of_their_services(
    make_source: MakeSource, alice: User, told: list[Build]
):
    api, base = make_source("api"), make_source("base")
    api.needs.set([base])
    trigger(sources=[api, base], wish=Wish(), actor=alice)
    trigger(sources=[api, base], wish=Wish(revision="b" * 40), actor=alice, supersede=True)
    assert [build.service for build in told] == [api.service, base.service]


def sent(project: Project, at: datetime, name: str = "sent") -> Build:
    """A build elsewhere of which progress came, and no end."""
    return Build.objects.create(
        project=project,
        service=get_or_create_service(project_id=project.pk, name=name),
        listed_at=at,
        steps_month=month_of(at),
        started_at=at,
        status=Build.Status.RUNNING,
    )


def test_a_build_elsewhere_of_which_no_end_came_is_lost_after_two_days(
    project: Project, make_source: MakeSource, alice: User
):
    now = timezone.now()
    old, new = sent(project, now - timedelta(hours=49)), sent(project, now - timedelta(hours=47))
    ours = asked(make_source("ours"), alice)
    assert claim("test:1") == ours
    Build.objects.filter(pk=ours.pk).update(listed_at=now - timedelta(days=3))
    end_unheard_of()
    statuses = dict(Build.objects.values_list("pk", "status"))
    assert statuses == {old.pk: "lost", new.pk: "running", ours.pk: "running"}
    old.refresh_from_db()
    assert (old.failure_class, old.completed_at) == ("builder_lost", None)
    assert old.failure_message.startswith("Progress came, and for 2 days no end")
    assert counted() == [("sent", 1, 0, 0)]
