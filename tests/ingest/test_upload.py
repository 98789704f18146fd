"""Accepting uploads: receipts, duplicates, refusals."""

import gzip

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Scope
from accounts.services import create_project, create_token
from builds.models import Build
from ingest.models import IngestPayload
from tests.ingest.sending import URL, corpus, file, progress, send

pytestmark = pytest.mark.django_db


def test_an_upload_is_stored_and_answered_with_a_receipt(
    ci: APIClient, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks() as callbacks:
        answer = send(ci, sync=False, progress=progress())
    assert answer.status_code == 202
    assert set(answer.json()) == {"receipt", "status_url", "duplicate"}
    assert answer.json()["duplicate"] is False
    payload = IngestPayload.objects.get()
    assert str(payload.public_id) == answer.json()["receipt"]
    assert payload.state == "received"
    assert len(callbacks) == 1, "one message for the worker, after the commit"
    receipt = ci.get(answer.json()["status_url"]).json()
    assert (receipt["state"], receipt["builds"]) == ("received", [])


def test_the_same_bytes_again_give_the_first_receipt(ci: APIClient):
    first = send(ci, sync=False, progress=progress()).json()
    again = send(ci, sync=False, progress=progress()).json()
    other = send(ci, sync=False, progress=progress(), fields={"variant": "dev"}).json()
    assert again == {**first, "duplicate": True}
    assert other["receipt"] != first["receipt"]
    assert IngestPayload.objects.count() == 2


def test_sync_answers_with_what_was_made(ci: APIClient):
    answer = send(ci, record=corpus("plain", "record"), metadata=corpus("plain", "metadata"))
    assert answer.status_code == 201
    receipt = answer.json()
    assert (receipt["state"], receipt["errors"]) == ("done", [])
    [made] = receipt["builds"]
    assert ci.get(made["url"]).json()["id"] == made["id"]
    assert made["html_url"].endswith(f"/projects/shop/builds/{made['id']}/")


def test_sync_answers_with_every_error(ci: APIClient):
    answer = send(ci, record=b"not an archive")
    assert answer.status_code == 422
    receipt = answer.json()
    assert receipt["state"] == "failed"
    assert receipt["errors"][0]["path"].startswith("record")
    assert Build.objects.count() == 0
    assert IngestPayload.objects.get().state == "failed", "what cannot be read is kept"


def test_an_idempotency_key_with_other_bytes_is_a_conflict(ci: APIClient):
    form = {"service": "shop"}
    first = ci.post(URL, {**form, "progress": file(progress())}, HTTP_IDEMPOTENCY_KEY="k1")
    again = ci.post(URL, {**form, "progress": file(progress())}, HTTP_IDEMPOTENCY_KEY="k1")
    other = ci.post(URL, {**form, "progress": file(progress(seconds=3))}, HTTP_IDEMPOTENCY_KEY="k1")
    assert (first.status_code, again.json()["duplicate"]) == (202, True)
    assert other.status_code == 409
    assert other.json()["errors"][0]["code"] == "idempotency_conflict"


@pytest.mark.parametrize(
    ("form", "place"),
    [
        ({"service": "shop"}, "record"),
        ({"progress": "text"}, "progress"),
        ({"progress": file(b"{}"), "servize": "typo"}, "servize"),
        ({"progress": file(b"{}"), "pipeline_run_url": "javascript:alert(1)"}, "pipeline_run_url"),
        ({"progress": file(b"{}"), "ref_name": "x" * 251}, "ref_name"),
        ({"progress": file(b"{}"), "author": "Ana <ana@example.com>"}, "author"),
        ({"secrets": file(b"{}")}, "secrets"),
    ],
)
def test_a_wrong_form_is_refused_by_name(ci: APIClient, form, place: str):
    answer = ci.post(URL, form)
    assert answer.status_code == 400
    assert [error["attr"] for error in answer.json()["errors"]] == [place]
    assert IngestPayload.objects.count() == 0


def test_the_author_of_the_commit_is_kept(ci: APIClient):
    form = {"service": "shop", "progress": file(progress()), "author": " Ana Moreau "}
    answer = ci.post(URL + "?sync=1", form)
    assert answer.status_code == 201
    build = Build.objects.get()
    assert build.author == "Ana Moreau"
    assert ci.get(f"/api/v1/builds/{build.public_id}/").json()["author"] == "Ana Moreau"


def test_a_gzip_body_is_the_same_as_a_plain_one(ci: APIClient):
    boundary = "x"
    body = (
        b'--x\r\nContent-Disposition: form-data; name="service"\r\n\r\nshop\r\n'
        b'--x\r\nContent-Disposition: form-data; name="progress"; filename="p"\r\n\r\n'
        + progress()
        + b"\r\n--x--\r\n"
    )
    answer = ci.generic(
        "POST",
        URL + "?sync=1",
        gzip.compress(body),
        content_type=f"multipart/form-data; boundary={boundary}",
        HTTP_CONTENT_ENCODING="gzip",
    )
    assert answer.status_code == 201, answer.content
    assert send(ci, progress=progress()).json()["duplicate"] is True


@pytest.mark.parametrize(
    ("body", "headers", "code"),
    [
        (gzip.compress(b"\0" * 30_000_000, mtime=0), {"HTTP_CONTENT_ENCODING": "gzip"}, 413),
        (b"not gzip", {"HTTP_CONTENT_ENCODING": "gzip"}, 400),
        (b"x", {"HTTP_CONTENT_ENCODING": "br"}, 415),
        (b"x", {"CONTENT_LENGTH": str(65 * 1024**2)}, 413),
    ],
)
def test_a_body_beyond_the_limits_is_refused(ci: APIClient, body: bytes, headers, code: int):
    answer = ci.generic("POST", URL, body, content_type="application/x-ndjson", **headers)
    assert answer.status_code == code, answer.content


def test_another_content_type_is_refused(ci: APIClient):
    assert ci.post(URL, {"service": "shop"}, format="json").status_code == 415


@pytest.mark.parametrize(
    ("credentials", "code"),
    [({}, 401), ({"HTTP_AUTHORIZATION": "Bearer bi_0_wrong"}, 401)],
)
def test_strangers_are_refused(db: None, credentials, code: int):
    answer = APIClient().post(URL, {"progress": file(progress())}, **credentials)
    assert answer.status_code == code


def test_a_token_without_the_scope_is_refused(api_of):
    reader = api_of(Scope.BUILDS_READ)
    assert send(reader, progress=progress()).status_code == 403


def test_a_person_with_two_projects_must_name_one(alice: User, project: Project, client_of):
    create_project(name="Second", owner=alice)
    client = client_of(alice)
    unnamed = client.post(URL, {"service": "s", "progress": file(progress())})
    named = client.post(URL + "?project=shop", {"service": "s", "progress": file(progress())})
    assert unnamed.status_code == 400
    assert named.status_code == 202
    assert IngestPayload.objects.get().project == project


def test_too_many_requests_say_when_to_come_back(ci: APIClient, monkeypatch):
    monkeypatch.setattr("accounts.throttling.TokenRateThrottle.THROTTLE_RATES", {"token": "2/min"})
    cache.clear()
    codes = [send(ci, sync=False, progress=progress()).status_code for _ in range(3)]
    assert codes == [202, 202, 429]
    assert int(send(ci, sync=False, progress=progress()).headers["Retry-After"]) > 0


def test_a_receipt_of_another_project_is_not_there(ci: APIClient, carol: User):
    status_url = send(ci, sync=False, progress=progress()).json()["status_url"]
    elsewhere = carol.projects.get()
    _, secret = create_token(project=elsewhere, name="t", scopes=[Scope.INGEST_WRITE], actor=carol)
    stranger = APIClient()
    stranger.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    assert stranger.get(status_url).status_code == 404
    assert stranger.get("/api/v1/ingest/receipts/").json()["results"] == []


def test_a_key_that_comes_with_known_bytes_is_remembered(ci: APIClient):
    send(ci, progress=progress())

    def again(key: str, seconds: int):
        return ci.post(
            URL,
            {"service": "shop", "progress": file(progress(seconds=seconds))},
            HTTP_IDEMPOTENCY_KEY=key,
        )

    assert again("k1", 2).json()["duplicate"] is True
    assert again("k1", 3).status_code == 409
    assert again("k2", 3).status_code == 202
    assert again("k2", 2).status_code == 409
