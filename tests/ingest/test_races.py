"""Workers that meet: no deadlock, no lost payload, and the order of digesting does not matter."""

from datetime import timedelta
from threading import Event, Thread

import pytest
from django.db import IntegrityError, OperationalError, connection
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Project
from buildkit.model import CacheCounts, StepState
from builds.models import Build, Service, StepBaseline
from builds.services import BuildContext, get_or_create_service, record_build
from ingest import claims, digest
from ingest.models import IngestPayload, PayloadKind
from ingest.tasks import drain_pending
from tests.builds.making import SECOND, START, build, step
from tests.ingest.sending import corpus, progress, send

YEAR = 365 * 86_400 * SECOND


@pytest.mark.django_db(transaction=True)
def test_first_builds_of_a_month_do_not_wait_for_each_other(project: Project):
    services = [
        get_or_create_service(project_id=project.pk, name=f"s{number}") for number in range(4)
    ]
    errors: list[Exception] = []

    def work(number: int) -> None:
        decoded = build(step(0, 0, 2), ref=f"ref{number}", started=START - YEAR)
        try:
            record_build(service=services[number], decoded=decoded, context=BuildContext())
        except Exception as error:
            errors.append(error)
        connection.close()

    threads = [Thread(target=work, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert errors == []
    assert Build.objects.count() == 4


def rest_of_time(key: int) -> None:
    """Let the time pass for which a payload is left alone."""
    long_ago = timezone.now() - claims.LEAVE_ALONE
    IngestPayload.objects.filter(pk=key).update(digest_started_at=long_ago)


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_is_still_at_it_keeps_its_payload(ci: APIClient, monkeypatch):
    send(ci, sync=False, progress=progress())
    key = IngestPayload.objects.get().pk
    monkeypatch.setattr(claims, "LEAVE_ALONE", timedelta(0))
    at_work, may_end = Event(), Event()

    def slow(payload: IngestPayload) -> None:
        at_work.set()
        may_end.wait(30)

    monkeypatch.setitem(digest.DIGESTERS, PayloadKind.BUILDKIT, slow)

    def work() -> None:
        digest.digest_payload(key)
        connection.close()

    worker = Thread(target=work)
    worker.start()
    assert at_work.wait(30)
    assert digest.digest_payload(key) is None
    may_end.set()
    worker.join(30)
    payload = IngestPayload.objects.get()
    assert (payload.state, payload.attempts) == ("done", 1)


@pytest.mark.django_db(transaction=True)
def test_the_payload_of_a_worker_that_is_gone_is_free(ci: APIClient):
    send(ci, sync=False, progress=progress())
    key = IngestPayload.objects.get().pk
    assert claims.claim(key).attempts == 1
    rest_of_time(key)
    drain_pending()
    payload = IngestPayload.objects.get()
    assert (payload.state, payload.attempts) == ("done", 2)


@pytest.mark.django_db
@pytest.mark.parametrize("error", [OperationalError("deadlock detected"), IntegrityError("twice")])
def test_what_lost_to_another_worker_is_tried_again(ci: APIClient, error: Exception, monkeypatch):
    send(ci, sync=False, progress=progress())
    key = IngestPayload.objects.get().pk

    def lose(**_: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(digest, "read_builds", lose)
        states = []
        for _ in range(claims.MAX_ATTEMPTS):
            states.append(digest.digest_payload(key).state)
            assert digest.digest_payload(key) is None, "it rests before it is tried again"
            rest_of_time(key)
    assert states == ["received", "received", "failed"]
    IngestPayload.objects.update(state="received", attempts=1)
    assert digest.digest_payload(key).state == "done"


@pytest.mark.django_db
def test_a_later_piece_wins_even_if_it_is_digested_first(ci: APIClient):
    run = {"pipeline_run_id": "1"}
    send(ci, sync=False, progress=progress(completed=None), fields=run)
    send(ci, sync=False, progress=progress(), fields=run)
    older, newer = IngestPayload.objects.order_by("pk").values_list("pk", flat=True)
    IngestPayload.objects.filter(pk=older).update(received_at="2026-01-01T00:00Z")
    for key in (newer, older):
        digest.digest_payload(key)
    assert Build.objects.get().wall_seconds == 2


@pytest.mark.django_db
def test_a_piece_goes_to_the_service_of_its_build(ci: APIClient):
    send(ci, record=corpus("plain", "record"))
    send(ci, metadata=corpus("plain", "metadata"), fields={"service": "web"})
    assert Build.objects.get().payloads.count() == 2
    assert [service.slug for service in Service.objects.all()] == ["shop"]


@pytest.mark.django_db
def test_a_step_that_did_not_run_after_all_leaves_no_duration(project: Project):
    service = get_or_create_service(project_id=project.pk, name="shop")
    ran, hit = build(step(0, 0, 2)), build(step(0, 0, 0, state=StepState.CACHED))
    first = record_build(service=service, decoded=ran, context=BuildContext())
    assert StepBaseline.objects.get().runs == [[START / SECOND, first.pk, 2.0]]
    record_build(service=service, decoded=hit, context=BuildContext(), build=first)
    assert StepBaseline.objects.get().runs == []
    later = build(step(0, 0, 0, state=StepState.CACHED), ref="ref2")
    found = record_build(service=service, decoded=later, context=BuildContext())
    assert found.time_saved_seconds is None


@pytest.mark.django_db
def test_numbers_and_names_beyond_their_columns_are_cut(project: Project):
    service = get_or_create_service(project_id=project.pk, name="shop")
    decoded = build(
        step(0, 0, 2, dockerfile_line=2**40),
        platforms=("linux/" + "x" * 100,),
        cache=CacheCounts(2**40, 0, 1, 0),
    )
    made = record_build(service=service, decoded=decoded, context=BuildContext())
    made.refresh_from_db()
    assert made.steps_total == 2**31 - 1
    assert made.platforms == ["linux/" + "x" * 54]
