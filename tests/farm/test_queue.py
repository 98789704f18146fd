"""Asking for builds, their turn, their end."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts.models import Project, User
from accounts.services import create_project
from audit.models import AuditEvent
from buildkit.failure_classes import FailureClass
from builds.models import Build
from builds.services import get_or_create_service
from farm import tasks
from farm.claims import SILENT_AFTER, beat, claim, silent_requests
from farm.endings import FIRST_PAUSE_SECONDS, finish, lose, pause_before
from farm.exceptions import CycleError, NotCancelableError, NotRetryableError
from farm.models import Builder, BuildRequest, Source
from farm.queueing import Wish, retry
from farm.services import cancel, trigger
from tests.farm.conftest import MakeSource

pytestmark = pytest.mark.django_db


def asked(source: Source, actor: User, **wish: Any) -> BuildRequest:
    [request] = trigger(sources=[source], wish=Wish(**wish), actor=actor)
    return request


def end(request: BuildRequest, status: Build.Status, why: FailureClass | None = None) -> None:
    """End a claimed request as its worker does."""
    finish(request, status, why, "because" if why else "")


def claimed() -> BuildRequest:
    request = claim("test:1")
    assert request is not None
    return request


def test_a_request_is_a_queued_build_and_audited(make_source: MakeSource, alice: User):
    request = asked(make_source(), alice, ref_name="feature/x", priority=3)
    build = request.build
    assert (build.status, build.ref_name, build.pipeline_name) == (
        "queued",
        "feature/x",
        "buildinsights",
    )
    assert AuditEvent.objects.filter(action="build.triggered").count() == 1


def test_an_equal_queued_request_is_the_same_one(make_source: MakeSource, alice: User):
    source = make_source()
    first = asked(source, alice)
    assert asked(source, alice) == first
    assert asked(source, alice, no_cache=True) != first
    claimed()
    assert asked(source, alice) != first, "one that runs may have missed the newest commit"


def test_older_queued_builds_of_the_branch_are_superseded(make_source: MakeSource, alice: User):
    source = make_source()
    old, other = asked(source, alice), asked(source, alice, ref_name="other")
    [new] = trigger(sources=[source], wish=Wish(revision="a" * 40), actor=alice, supersede=True)
    statuses = {
        request.pk: Build.objects.get(pk=request.pk).status for request in (old, other, new)
    }
    assert statuses == {old.pk: "canceled", other.pk: "queued", new.pk: "queued"}


def test_slots_are_kept_and_priority_goes_first(make_source: MakeSource, alice: User):
    source = make_source()
    low, high = asked(source, alice), asked(source, alice, ref_name="hot", priority=9)
    assert claimed() == high
    assert claim("test:2") is None, "the builder has one slot"
    end(high, Build.Status.SUCCEEDED)
    assert claimed() == low


def test_a_worker_takes_only_what_its_builders_are_asked_for(
    make_source: MakeSource, alice: User, settings: Any
):
    settings.BUILD_QUEUES = ["builds", "arm"]
    elsewhere = Builder(name="arm-1", queue="arm")
    elsewhere.full_clean()
    elsewhere.save()
    here, there = (
        asked(make_source("api"), alice),
        asked(make_source("web", builder=elsewhere), alice),
    )
    assert claim("here:1") == here
    assert claim("here:2") is None
    assert claim("there:1", "arm") == there


def test_a_builder_cannot_be_in_a_queue_that_no_worker_listens_to():
    with pytest.raises(ValidationError, match="BUILD_QUEUES has builds"):
        Builder(name="x", queue="ingest").full_clean()


def test_each_queue_with_a_builder_is_woken_and_each_builder_looked_at(
    monkeypatch: pytest.MonkeyPatch,
):
    arm = Builder.objects.create(name="arm-1", queue="arm")
    default = Builder.objects.create()
    Builder.objects.create(name="off", queue="off", is_enabled=False)
    sent: list[tuple[Any, str]] = []

    def note(field: str, **said: Any) -> None:
        sent.append((said[field], said["queue"]))

    monkeypatch.setattr(tasks.run_next, "apply_async", partial(note, "kwargs"))
    monkeypatch.setattr(tasks.look_at_builder, "apply_async", partial(note, "args"))
    tasks.wake_builders()
    tasks.look_at_builders()
    woken, looked = sent[:2], sent[2:]
    assert sorted(woken, key=str) == [({"queue": name}, name) for name in ("arm", "builds")]
    assert set(looked) == {((arm.pk,), "arm"), ((default.pk,), "builds")}


def test_projects_take_turns(make_source: MakeSource, alice: User, carol: User):
    source = make_source()
    for number in range(3):
        asked(source, alice, ref_name=f"b{number}", priority=50)
    elsewhere = create_project(name="Third", owner=alice)
    service = get_or_create_service(project_id=elsewhere.pk, name="x")
    theirs = asked(
        Source.objects.create(service=service, repository_url="/x", builder=source.builder), alice
    )
    first = claimed()
    end(first, Build.Status.SUCCEEDED)
    assert first.project_id == source.service.project_id, "asked for first"
    assert claimed() == theirs, "although the others came first and have a priority"


def test_what_is_needed_is_built_first_and_its_failure_skips_the_rest(
    make_source: MakeSource, alice: User
):
    Builder.objects.update(slots=5)
    base, api, web = make_source("base"), make_source("api"), make_source("web")
    Builder.objects.update(slots=5)
    api.needs.set([base])
    web.needs.set([base])
    first, second, needed = trigger(sources=[api, web, base], wish=Wish(), actor=alice)
    assert claimed() == needed
    assert claim("test:2") is None
    end(needed, Build.Status.SUCCEEDED)
    assert {claimed(), claimed()} == {first, second}, "in parallel"
    for request in (first, second):
        end(request, Build.Status.SUCCEEDED)
    first, _, needed = trigger(sources=[api, web, base], wish=Wish(no_cache=True), actor=alice)
    end(claimed(), Build.Status.FAILED, FailureClass.COMMAND)
    build = Build.objects.get(pk=first.pk)
    assert build.status == "canceled"
    assert "base, which it needs, ended as failed" in build.failure_message


def test_what_was_queued_alone_waits_for_what_it_is_asked_for_with(
    make_source: MakeSource, alice: User
):
    base, api = make_source("base"), make_source("api")
    api.needs.set([base])
    alone = asked(api, alice)
    together, needed = trigger(sources=[api, base], wish=Wish(), actor=alice)
    assert (together, together.state) == (alone, "waiting")
    assert claimed() == needed
    end(needed, Build.Status.SUCCEEDED)
    assert claimed() == alone


def test_a_request_does_not_wait_for_one_that_waits_for_it(make_source: MakeSource, alice: User):
    base, api, web = make_source("base"), make_source("api"), make_source("web")
    api.needs.set([base])
    web.needs.set([api])
    trigger(sources=[base, api, web], wish=Wish(), actor=alice)
    web.needs.clear()
    base.needs.set([web])
    queued = trigger(sources=[base, web], wish=Wish(), actor=alice)
    assert [request.state for request in queued] == ["ready", "waiting"]


def test_what_waits_for_a_deleted_service_goes_on(
    make_source: MakeSource, alice: User, monkeypatch: pytest.MonkeyPatch
):
    base, other, api = make_source("base"), make_source("other"), make_source("api")
    api.needs.set([base, other])
    dependent, _, needed = trigger(sources=[api, base, other], wish=Wish(), actor=alice)
    base.service.delete()
    monkeypatch.setattr(tasks.run_next, "apply_async", lambda **_: None)
    tasks.wake_builders()
    assert claimed() == needed
    assert claim("test:2") is None, "it still needs the other one"
    BuildRequest.objects.filter(pk=needed.pk).delete()
    tasks.wake_builders()
    assert claimed() == dependent


def test_services_that_need_each_other_are_refused(make_source: MakeSource, alice: User):
    one, two = make_source("one"), make_source("two")
    one.needs.set([two])
    two.needs.set([one])
    with pytest.raises(CycleError, match=r"one → two → one|two → one → two"):
        trigger(sources=[one, two], wish=Wish(), actor=alice)


@pytest.mark.parametrize(
    ("why", "again"),
    [
        (FailureClass.NETWORK, True),
        (FailureClass.REGISTRY_ERROR, True),
        (FailureClass.RATE_LIMIT, True),
        (FailureClass.COMMAND, False),
        (FailureClass.DOCKERFILE, False),
        (FailureClass.OUT_OF_MEMORY, False),
    ],
)
def test_only_transient_failures_are_tried_again(
    why: FailureClass, again: bool, make_source: MakeSource, alice: User
):
    asked(make_source(retries=1), alice)
    first = claimed()
    end(first, Build.Status.FAILED, why)
    second = BuildRequest.objects.exclude(pk=first.pk).first()
    assert (second is not None) == again
    if second is None:
        return
    assert (second.attempt, second.retry_of) == (2, first)
    assert claim("test:1") is None, "it waits"
    BuildRequest.objects.update(not_before=timezone.now() - timedelta(seconds=1))
    end(claimed(), Build.Status.FAILED, why)
    assert BuildRequest.objects.count() == 2, "as often as the source allows"


def test_a_dependent_waits_for_the_retry(make_source: MakeSource, alice: User):
    base, api = make_source("base"), make_source("api")
    api.needs.set([base])
    dependent, _ = trigger(sources=[api, base], wish=Wish(), actor=alice)
    end(claimed(), Build.Status.FAILED, FailureClass.NETWORK)
    dependent.refresh_from_db()
    assert dependent.state == "waiting"
    BuildRequest.objects.update(not_before=None)
    end(claimed(), Build.Status.SUCCEEDED)
    assert claimed() == dependent


def test_a_retry_leaves_an_equal_queued_request_as_it_is(make_source: MakeSource, alice: User):
    base, api = make_source("base"), make_source("api")
    api.needs.set([base])
    dependent, first = trigger(sources=[api, base], wish=Wish(revision="a" * 40), actor=alice)
    assert claimed() == first
    somebodys = asked(base, alice, revision="a" * 40)
    end(first, Build.Status.FAILED, FailureClass.NETWORK)
    assert BuildRequest.objects.filter(state="ready").get() == somebodys
    assert claimed() == somebodys, "it does not take over the pause"
    somebodys.refresh_from_db()
    assert (somebodys.attempt, somebodys.retry_of) == (1, None)
    end(somebodys, Build.Status.SUCCEEDED)
    assert claimed() == dependent


def test_an_automatic_retry_keeps_its_pause(make_source: MakeSource, alice: User):
    first = asked(make_source(), alice, revision="a" * 40)
    claimed()
    end(first, Build.Status.FAILED, FailureClass.NETWORK)
    again = BuildRequest.objects.get(retry_of=first)
    assert again.not_before is not None
    assert retry(build=Build.objects.get(pk=first.pk), actor=alice) == again
    assert asked(first.source, alice, revision="a" * 40) == again
    assert BuildRequest.objects.get(pk=again.pk).not_before == again.not_before
    assert claim("test:1") is None


def test_what_failed_while_it_was_to_be_canceled_is_not_tried_again(
    make_source: MakeSource, alice: User
):
    request = asked(make_source(), alice)
    claimed()
    cancel(build=request.build, actor=alice)
    end(request, Build.Status.FAILED, FailureClass.NETWORK)
    assert not BuildRequest.objects.filter(retry_of=request).exists()


def test_pauses_double_and_are_jittered():
    for attempt, middle in ((1, FIRST_PAUSE_SECONDS), (3, 4 * FIRST_PAUSE_SECONDS)):
        pauses = {pause_before(attempt).total_seconds() for _ in range(50)}
        assert all(0.5 * middle <= pause <= 1.5 * middle for pause in pauses)
        assert len(pauses) > 40


def test_what_a_silent_worker_had_is_lost_and_can_be_tried_again(
    make_source: MakeSource, alice: User
):
    asked(make_source(), alice)
    request = claimed()
    assert beat(request) == (True, None)
    assert silent_requests() == []
    BuildRequest.objects.update(heartbeat_at=timezone.now() - SILENT_AFTER * 2)
    [silent] = silent_requests()
    lose(silent)
    build = Build.objects.get(pk=request.pk)
    assert (build.status, build.failure_class) == ("lost", "builder_lost")
    assert beat(request) == (False, None), "the worker, should it live, gives up"
    again = retry(build=build, actor=alice)
    assert (again.attempt, again.retry_of) == (2, request)
    assert again.build.trigger == "retry"


def test_a_worker_that_was_heard_of_again_keeps_its_build(make_source: MakeSource, alice: User):
    asked(make_source(), alice)
    request = claimed()
    BuildRequest.objects.update(heartbeat_at=timezone.now() - SILENT_AFTER * 2)
    [silent] = silent_requests()
    assert beat(request) == (True, None)
    lose(silent)
    assert Build.objects.get(pk=request.pk).status == "running"


def test_what_was_recorded_before_the_worker_died_stays(make_source: MakeSource, alice: User):
    base, api = make_source("base"), make_source("api")
    api.needs.set([base])
    dependent, _ = trigger(sources=[api, base], wish=Wish(), actor=alice)
    request = claimed()
    Build.objects.filter(pk=request.pk).update(status="succeeded")
    lose(BuildRequest.objects.get(pk=request.pk))
    assert Build.objects.get(pk=request.pk).status == "succeeded"
    assert claimed() == dependent


def test_a_claim_leaves_a_build_that_has_ended_as_it_is(make_source: MakeSource, alice: User):
    request = asked(make_source(), alice)
    Build.objects.update(status="succeeded")
    assert claimed() == request
    assert Build.objects.get().status == "succeeded"


def test_a_task_runs_one_build_and_has_the_next_one_looked_for(
    make_source: MakeSource, alice: User, monkeypatch: pytest.MonkeyPatch
):
    source = make_source()
    for name in ("one", "two"):
        asked(source, alice, ref_name=name)
    ran: list[BuildRequest] = []
    sent: list[dict[str, Any]] = []

    def run(request: BuildRequest) -> None:
        ran.append(request)
        end(request, Build.Status.SUCCEEDED)
        if len(ran) == 2:
            raise OSError("the database is gone")

    monkeypatch.setattr(tasks, "run", run)
    monkeypatch.setattr(tasks.run_next, "apply_async", lambda **said: sent.append(said))
    tasks.run_next("builds")
    assert (len(ran), len(sent)) == (1, 1)
    with pytest.raises(OSError, match="gone"):
        tasks.run_next("builds")
    assert (len(ran), sent) == (2, [{"kwargs": {"queue": "builds"}, "queue": "builds"}] * 2)
    tasks.run_next("builds")
    assert (len(ran), len(sent)) == (2, 2), "nothing waits, so nothing is sent"


def test_cancel_ends_a_queued_one_and_asks_for_a_running_one(make_source: MakeSource, alice: User):
    source = make_source()
    running, queued = asked(source, alice), asked(source, alice, ref_name="x")
    claimed()
    cancel(build=queued.build, actor=alice)
    assert Build.objects.get(pk=queued.pk).status == "canceled"
    cancel(build=running.build, actor=alice)
    running.refresh_from_db()
    assert running.cancel_requested_at is not None
    with pytest.raises(NotCancelableError):
        cancel(build=queued.build, actor=alice)
    with pytest.raises(NotRetryableError):
        retry(build=running.build, actor=alice)


def test_the_claim_costs_the_same_however_long_the_queue(
    make_source: MakeSource, alice: User, project: Project, django_assert_num_queries: Any
):
    source = make_source()
    for number in range(30):
        asked(source, alice, ref_name=f"b{number}")
    with django_assert_num_queries(8):
        claimed()
