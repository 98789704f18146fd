"""Changes of series of builds: found, attributed, acknowledged, the same whenever it is done."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient
from time_machine import TimeMachineFixture

from accounts.models import Project, User
from accounts.roles import Scope
from audit.models import AuditEvent
from builds.models import Build, Service
from builds.services import get_or_create_service
from builds.signals import build_deleted, build_recorded
from cache.models import StepReason
from tests.trends.making import History
from trends import following
from trends.causes import causes_of
from trends.changes_page import title_of
from trends.following import follow_next
from trends.models import Change, Series, Waiting
from trends.tasks import follow_waiting

pytestmark = pytest.mark.django_db

type ClientOf = Callable[[User], Client]


@pytest.fixture
def history(service: Service) -> History:
    return History(service)


CALM = {"install": 30.0, "compile": 20.0}
SLOW = {"install": 45.0, "compile": 20.0}
FAST = {"install": 18.0, "compile": 20.0}
SLOWEST = {"install": 90.0, "compile": 20.0}


def found(**filters: Any) -> list[Change]:
    follow_waiting()
    assert not Waiting.objects.exists()
    return list(Change.objects.of_level().filter(**filters).order_by("build"))


def test_a_slower_step_is_found_with_its_build_and_its_share(history: History):
    history.add(40, CALM)
    history.add(12, SLOW)
    [change] = found()
    assert change.build_id in {build.pk for build in history.builds[38:43]}
    assert change.series.metric == "wall_seconds"
    assert (change.direction, change.is_worse, change.state) == (1, True, "new")
    assert change.before == pytest.approx(52, rel=0.05)
    assert change.after == pytest.approx(67, rel=0.05)
    assert change.ratio_low < 67 / 52 - 1 < change.ratio_high
    first = change.parts[0]
    assert (first["identity"], first["runs_more"]) == ("install", False)
    assert first["share"] > 0.8
    assert first["delta_seconds"] == pytest.approx(15, rel=0.15)
    assert change.causes[0]["cause"] == "slower"
    assert change.last_before is not None
    assert change.last_before.listed_at < change.build.listed_at
    seen = history.builds.index(change.seen_in)
    assert 40 <= seen <= 46, "soon"


def test_builds_without_a_change_raise_next_to_nothing(service: Service):
    """The measured rate is one false alarm in some thousands of quiet builds (docs/metrics.md)."""
    for seed in range(6):
        history = History(service, seed=seed, noise=0.08)
        history.add(80, CALM, target=f"calm-{seed}")
    assert len(found()) <= 1


def test_one_slow_build_is_no_change(history: History):
    history.add(40, CALM)
    history.add(1, {"install": 300.0, "compile": 20.0})
    history.add(20, CALM)
    assert found() == []
    outlier = Change.objects.get()
    assert (outlier.kind, outlier.state, outlier.builds_after) == ("outlier", "resolved", 1)
    assert outlier.build == history.builds[40]
    assert outlier.parts[0]["identity"] == "install"
    assert not Change.objects.open()
    assert title_of(outlier).endswith("in 1 build alone")


def test_what_is_found_build_by_build_is_found_at_once(service: Service):
    one = History(service, seed=7)
    for _ in range(40):
        one.add(1, CALM)
        follow_next()
    for _ in range(12):
        one.add(1, SLOW)
        follow_next()
    [stepwise] = Change.objects.values(*SAME)
    Change.objects.all().delete()
    Series.objects.all().delete()
    Waiting.objects.create(service=service, since=one.builds[0].listed_at)
    follow_next()
    assert list(Change.objects.values(*SAME)) == [stepwise]


SAME = (
    "build",
    "last_before",
    "seen_in",
    "before",
    "after",
    "ratio",
    "ratio_low",
    "ratio_high",
    "kind",
)


def test_a_late_and_a_corrected_build_let_it_be_followed_anew(history: History):
    history.add(40, CALM)
    history.add(12, SLOW)
    [change] = found()
    Change.objects.update(state="acknowledged", acknowledged_by="ann", reason="expected")
    late = history.builds[20].listed_at + timedelta(minutes=5)
    history.one(late, CALM)
    [again] = found()
    assert (again.public_id, again.build_id) == (change.public_id, change.build_id)
    assert (again.state, again.acknowledged_by, again.reason) == ("acknowledged", "ann", "expected")
    assert Series.objects.get(metric="wall_seconds").builds == 53
    slow = history.builds[40:]
    Build.objects.filter(pk__in=[build.pk for build in slow]).update(wall_seconds=52.0)
    history.one(history.at + timedelta(hours=3), CALM)
    Waiting.objects.update(since=slow[0].listed_at)
    assert found() == [], "they were not slow after all"


def test_what_began_before_the_builds_that_are_followed_anew_stays(
    history: History, monkeypatch: pytest.MonkeyPatch
):
    """Of 130 builds the newest 40 are followed anew, and 50 before tell what was usual."""
    for steps, count in ((CALM, 30), (SLOW, 30), (FAST, 40), (SLOWEST, 30)):
        history.add(count, steps)
    before = found()
    new, usual, old = before
    monkeypatch.setattr(following, "REPLAYED", 40)
    monkeypatch.setattr(following, "KEPT", 50)
    Change.objects.filter(pk=old.pk).update(
        state="acknowledged", acknowledged_by="ann", reason="expected"
    )
    history.one(history.builds[-3].listed_at + timedelta(minutes=5), SLOWEST)
    after = found()
    assert [(change.public_id, change.build_id) for change in after] == [
        (change.public_id, change.build_id) for change in before
    ]
    assert (after[2].state, after[2].reason) == ("acknowledged", "expected")
    assert [change.pk for change in after[1:]] == [usual.pk, old.pk], "they are not touched"
    assert after[0].pk != new.pk, "it is found again"
    ended = history.builds[100:]
    Build.objects.filter(pk__in=[build.pk for build in ended]).update(wall_seconds=40.0)
    Waiting.objects.create(service=history.service, since=ended[0].listed_at)
    assert [change.pk for change in found()] == [usual.pk, old.pk]


def test_builds_that_end_in_another_order_are_followed_in_that_of_their_start(
    history: History, time_machine: TimeMachineFixture, monkeypatch: pytest.MonkeyPatch
):
    history.add(20, CALM)
    follow_waiting()
    monkeypatch.setattr(following, "_follow_anew", lambda *_: pytest.fail("followed anew"))
    now = history.at + timedelta(hours=3)
    time_machine.move_to(now, tick=False)
    second = history.one(now - timedelta(minutes=2), CALM)
    follow_waiting()
    assert Waiting.objects.get().since == second.listed_at, "it is too new"
    first = history.one(now - timedelta(minutes=10), CALM)
    time_machine.move_to(now + timedelta(minutes=7), tick=False)
    follow_waiting()
    series = Series.objects.get(metric="wall_seconds")
    assert (series.builds, series.last_build) == (21, first.pk)
    assert Waiting.objects.get().since == second.listed_at
    time_machine.move_to(now + timedelta(minutes=14), tick=False)
    follow_waiting()
    series.refresh_from_db()
    assert (series.builds, series.last_build) == (22, second.pk)
    assert not Waiting.objects.exists()


def test_a_deleted_build_is_counted_no_more(history: History):
    history.add(20, CALM)
    follow_waiting()
    build = history.builds[5]
    build_deleted.send(sender=Build, build=build)
    build.delete()
    follow_waiting()
    assert Series.objects.get(metric="wall_seconds").builds == 19


def test_a_build_that_failed_after_all_is_counted_no_more(history: History):
    history.add(20, CALM)
    follow_waiting()
    build = history.builds[5]
    build.status = Build.Status.FAILED
    build.save()
    build_recorded.send(sender=Build, build=build, listed_before=build.listed_at)
    follow_waiting()
    assert Series.objects.get(metric="wall_seconds").builds == 19


def test_a_service_that_cannot_be_followed_stops_no_other(
    history: History,
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    time_machine: TimeMachineFixture,
):
    history.add(3, CALM)
    other = History(get_or_create_service(project_id=project.pk, name="web"))
    other.at += timedelta(days=1)
    other.add(3, CALM)
    works = following.builds_of

    def breaks(series: Series) -> object:
        if series.service == history.service:
            raise ValueError(series)
        return works(series)

    monkeypatch.setattr(following, "builds_of", breaks)
    follow_waiting()
    assert set(Series.objects.values_list("service", flat=True)) == {other.service.pk}
    waiting = Waiting.objects.get()
    assert (waiting.service, waiting.failures) == (history.service, 1)
    monkeypatch.undo()
    assert not follow_next(), "its time has not come"
    time_machine.move_to(waiting.not_before)
    assert follow_next()
    assert not Waiting.objects.exists()
    assert Series.objects.filter(service=history.service).exists()


def test_the_cache_state_is_taken_out(history: History):
    """A run of cold builds takes four times as long, and nothing has changed."""
    for _ in range(6):
        history.add(7, CALM)
        history.add(2, {"install": 120.0, "compile": 80.0}, cache_state="cold")
    history.add(8, {"install": 120.0, "compile": 80.0}, cache_state="cold")
    assert found(series__metric="wall_seconds") == []


def test_a_larger_image_is_found(history: History):
    history.add(20, CALM, image_bytes=100_000_000)
    history.add(10, CALM, image_bytes=104_000_000)
    [change] = found(series__metric="image_bytes")
    assert (change.build_id, change.is_worse) == (history.builds[20].pk, True)
    assert change.ratio == pytest.approx(0.04, abs=0.01)
    assert change.parts == []


def test_causes_are_ranked_by_what_speaks_for_them(history: History):
    history.add(30, CALM)
    cached = {"install": 30.0, "compile": 20.0, "fetch": 0.0}
    history.add(10, cached)
    for build in history.builds[30:]:
        build.steps.filter(identity="fetch").update(state="executed", busy_seconds=25.0)
        Build.objects.filter(pk=build.pk).update(wall_seconds=77.0)
        StepReason.objects.create(
            build=build,
            position=2,
            service=history.service,
            identity="fetch",
            cause="files",
            confidence="high",
            first=2,
            seconds=25.0,
            evidence=["Changed: package-lock.json"],
        )
    [change] = found()
    assert change.parts[0]["identity"] == "fetch"
    assert change.causes[0]["cause"] == "dependency"
    assert "package-lock.json" in change.causes[0]["words"]


def test_a_crowd_on_the_builder_is_told(history: History, project: Project):
    history.add(30, CALM)
    history.add(10, SLOW)
    others = History(get_or_create_service(project_id=project.pk, name="web"), seed=3)
    for build in history.builds[30:]:
        for _ in range(3):
            others.one(build.listed_at, {"other": 90.0}, target="web")
    [change] = found(series__service=history.service, series__metric="wall_seconds")
    told = {cause["cause"]: cause["words"] for cause in change.causes}
    assert told["concurrency"].startswith("3.0 other builds ran beside each on its builder; 0.0 ")


def test_another_builder_is_a_likely_cause(history: History):
    history.add(5, CALM)
    history.add(5, SLOW, builder="two")
    [cause] = causes_of(history.builds[:5], history.builds[5:], [])
    assert cause["words"] == "Built on two since then; before mostly on one."
    assert cause["weight"] == 1


def test_it_goes_back_by_itself(history: History):
    history.add(40, CALM)
    history.add(14, SLOW)
    [change] = found()
    history.add(20, CALM)
    changes = found()
    assert changes[0].pk == change.pk
    assert (changes[0].state, changes[0].ended_at is not None) == ("resolved", True)


def test_members_see_and_leads_acknowledge(
    history: History,
    project: Project,
    alice: User,
    bob: User,
    carol: User,
    client_of: ClientOf,
    api_of: Callable[..., APIClient],
):
    history.add(40, CALM)
    history.add(12, SLOW)
    [change] = found()
    change.parts[0]["name"] = "RUN <b>install</b>"
    change.save()
    listed = f"/projects/{project.slug}/changes/"
    client = client_of(bob)
    with CaptureQueriesContext(connection) as queries:
        page = client.get(listed).content.decode()
    assert len(queries) <= 12
    assert "Wall time of api up" in page
    assert "<b>install</b>" not in page
    assert "&lt;b&gt;install&lt;/b&gt;" in page
    detail = client.get(change.get_absolute_url()).content.decode()
    assert "Steps it comes from" in detail
    assert "Acknowledge</button>" not in detail
    assert client_of(carol).get(listed).status_code == 404
    assert client_of(carol).get(change.get_absolute_url()).status_code == 404
    acknowledge = f"{change.get_absolute_url()}acknowledge/"
    assert client.post(acknowledge).status_code == 404
    answer = client_of(alice).post(acknowledge, {"reason": "new compiler"}, follow=True)
    assert "alice knows of it: new compiler." in answer.content.decode()
    assert AuditEvent.objects.filter(action="change.acknowledged", actor_name="alice").exists()
    assert "No such change" in client.get(listed).content.decode(), "it is open no more"
    assert "Wall time of api up" in client.get(f"{listed}?state=all").content.decode()
    address = f"/api/v1/changes/{change.public_id}/"
    told = api_of(Scope.BUILDS_READ).get(address).json()
    assert (told["service"], told["metric"], told["state"]) == (
        "api",
        "wall_seconds",
        "acknowledged",
    )
    assert told["parts"][0]["share"] > 0.5
    assert api_of(Scope.BUILDS_READ).post(f"{address}acknowledge/").status_code == 403
    assert api_of(Scope.SERVICES_WRITE).post(f"{address}acknowledge/").status_code == 409
