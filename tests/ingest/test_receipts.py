"""What happens to payloads after they were accepted: replay, dismissal, sweep, retention."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Scope
from audit.models import AuditEvent
from builds.models import Build
from ingest import claims, digest
from ingest.models import IngestPayload
from ingest.tasks import drain_pending, purge_expired
from tests.ingest.sending import corpus, progress, send

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(api_of: Callable[..., APIClient]) -> APIClient:
    return api_of(Scope.INGEST_WRITE, Scope.INGEST_READ, Scope.INGEST_REPLAY)


def break_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_: object):
        raise ZeroDivisionError

    monkeypatch.setattr(digest, "read_builds", broken)


def test_a_crash_of_ours_keeps_the_payload_and_a_replay_digests_it(operator: APIClient):
    with pytest.MonkeyPatch.context() as patch:
        break_decoder(patch)
        receipt = send(operator, progress=progress()).json()
    assert receipt["state"] == "failed"
    assert receipt["errors"][0]["path"] == "digest"
    replayed = operator.post(receipt["status_url"] + "replay/")
    assert (replayed.status_code, replayed.json()["state"]) == (202, "received")
    digest.digest_payload(IngestPayload.objects.get().pk)
    assert len(operator.get(receipt["status_url"]).json()["builds"]) == 1
    assert AuditEvent.objects.filter(action="payload.replayed").count() == 1


def test_only_failures_can_be_replayed_or_dismissed(operator: APIClient):
    done = send(operator, progress=progress()).json()["status_url"]
    failed = send(operator, record=b"rubbish").json()["status_url"]
    assert operator.post(done + "replay/").status_code == 409
    assert operator.post(done + "dismiss/").status_code == 409
    assert operator.post(failed + "dismiss/").status_code == 200
    assert IngestPayload.objects.get(state="failed").dismissed_at is not None


def test_replaying_needs_its_scope(ci: APIClient):
    failed = send(ci, record=b"rubbish").json()["status_url"]
    assert ci.post(failed + "replay/").status_code == 403


def test_the_sweep_digests_what_a_lost_message_left(ci: APIClient):
    send(ci, sync=False, progress=progress())
    drain_pending()
    assert Build.objects.count() == 0, "its message may still be on the way"
    IngestPayload.objects.update(received_at=timezone.now() - timedelta(minutes=1))
    drain_pending()
    assert IngestPayload.objects.get().state == "done"


def test_the_sweep_takes_over_from_a_worker_that_died(ci: APIClient):
    send(ci, sync=False, progress=progress())
    waiting = IngestPayload.objects.all()
    waiting.update(state="digesting", attempts=1, digest_started_at=timezone.now())
    drain_pending()
    assert waiting.get().state == "digesting", "somebody may still be at it"
    waiting.update(digest_started_at=timezone.now() - claims.LEAVE_ALONE)
    drain_pending()
    assert waiting.get().state == "done"


def test_a_payload_that_kills_its_workers_is_given_up(ci: APIClient):
    send(ci, sync=False, progress=progress())
    IngestPayload.objects.update(
        state="digesting",
        attempts=claims.MAX_ATTEMPTS,
        digest_started_at=timezone.now() - claims.LEAVE_ALONE,
    )
    drain_pending()
    payload = IngestPayload.objects.get()
    assert payload.state == "failed"
    assert "Given up after 3 attempts" in payload.errors[0]["message"]


def test_two_workers_with_one_message_digest_once(ci: APIClient):
    send(ci, sync=False, progress=progress())
    key = IngestPayload.objects.get().pk
    assert digest.digest_payload(key) is not None
    assert digest.digest_payload(key) is None
    assert Build.objects.count() == 1


def test_what_is_settled_goes_after_its_retention_and_failures_stay(ci: APIClient):
    send(ci, progress=progress())
    send(ci, record=b"rubbish")
    IngestPayload.objects.update(received_at=timezone.now() - timedelta(days=401))
    purge_expired()
    assert [payload.state for payload in IngestPayload.objects.all()] == ["failed"]
    assert Build.objects.count() == 1


def test_raw_parts_come_back_byte_for_byte(
    ci: APIClient, project: Project, alice: User, bob: User, client_of: Callable[[User], Client]
):
    record, text = corpus("plain", "record"), corpus("plain", "progress")
    receipt = send(ci, record=record, progress=text).json()["receipt"]
    path = f"/projects/shop/receipts/{receipt}/raw/"
    answer = client_of(alice).get(f"{path}record/")
    assert answer.content == record
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"].startswith("attachment")
    assert client_of(alice).get(f"{path}progress/").content == text
    assert client_of(alice).get(f"{path}metadata/").status_code == 404
    assert client_of(bob).get(f"{path}record/").status_code == 404, "viewers read no raw bytes"
