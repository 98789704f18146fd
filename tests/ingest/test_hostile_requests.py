"""Requests that no honest client sends are refused with their reason, never with a 500."""

import base64
import json
from urllib.parse import quote

import pytest
from rest_framework.test import APIClient

from accounts.models import Project
from accounts.roles import Scope
from audit.models import AuditEvent
from audit.services import chain_name
from audit.verification import verify_chain
from ingest.models import IngestPayload
from tests.ingest.sending import URL, file, progress, send

pytestmark = pytest.mark.django_db
BUILDS = "/api/v1/builds/"


def cursor(text: str) -> str:
    return f"?cursor={base64.b64encode(text.encode()).decode()}"


@pytest.fixture
def hostile(ci: APIClient) -> APIClient:
    """A client that gets a 500 as a response, as people would."""
    ci.raise_request_exception = False
    return ci


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (BUILDS + cursor("p=hello"), 404),
        (BUILDS + cursor("p=\0"), 404),
        (BUILDS + cursor("o=99999999999999999999&p=x"), 404),
        (BUILDS + "?cursor=%00", 400),
        ("/api/v1/ingest/receipts/" + cursor("p=x"), 404),
        (BUILDS + "?after=" + quote("0001-01-01T00:00:00+23:00"), 400),
        (BUILDS + "?before=9999-12-31T23:59:59-23:00", 400),
        (BUILDS + "?after=" + quote("2026-01-01T00:00:00+23:00"), 200),
        (BUILDS + "?after=2026-01-01T00:00", 200),
        ("/api/v1/services/%00/", 400),
        ("/api/v1/ingest/receipts/?state=x", 400),
    ],
)
def test_strange_addresses(hostile: APIClient, path: str, code: int):
    assert hostile.get(path).status_code == code


@pytest.mark.parametrize(
    "form",
    [
        {f"field{number}": "x" for number in range(1100)},
        {f"part{number}": file(b"x") for number in range(110)},
    ],
    ids=["fields", "files"],
)
def test_too_many_parts_are_refused(hostile: APIClient, form):
    answer = hostile.post(URL, form)
    assert answer.status_code == 400
    assert answer.json()["type"] == "client_error"


@pytest.mark.parametrize("key", ["a\0b", "a\tb", "k" * 201], ids=["NUL", "tab", "long"])
def test_a_key_that_cannot_be_kept_is_refused(hostile: APIClient, key: str):
    form = {"service": "shop", "progress": file(progress())}
    answer = hostile.post(URL, form, HTTP_IDEMPOTENCY_KEY=key)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"] == "Idempotency-Key"


def test_a_length_that_is_no_number_is_refused(hostile: APIClient):
    answer = hostile.generic("POST", URL, b"x", CONTENT_LENGTH="abc")
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (rb'{"\ud800": 1, "progress": {}}', 207),
        (rb'{"service": "\ud800", "progress": {}}', 207),
        (rb'{"service": "a\u0000", "progress": {}}', 207),
        (rb'{"service": "a", "progress": {"text": "\ud800"}}', 202),
        (b'{"service": "a", "metadata": {"x": NaN}}', 202),
        (b'{"service": "a", "metadata": {}, "record": null}', 202),
        (b"[" * 100_000, 207),
        (b"9" * 5000, 207),
    ],
    ids=lambda value: str(value)[:40],
)
def test_strange_lines(hostile: APIClient, line: bytes, code: int):
    answer = hostile.generic("POST", URL, line, content_type="application/x-ndjson")
    assert answer.status_code == code, answer.content


@pytest.mark.parametrize("query", ["", "?sync=0", "?sync=false"])
def test_what_is_not_digested_at_once_is_enqueued(
    ci: APIClient, query: str, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks() as callbacks:
        answer = ci.post(URL + query, {"service": "shop", "progress": file(progress())})
    assert (answer.status_code, len(callbacks)) == (202, 1)


def test_bulk_lines_are_enqueued_whatever_the_query_says(
    ci: APIClient, django_capture_on_commit_callbacks
):
    line = json.dumps({"service": "shop", "progress": {"text": progress().decode()}})
    with django_capture_on_commit_callbacks() as callbacks:
        answer = ci.generic("POST", URL + "?sync=1", line, content_type="application/x-ndjson")
    assert (answer.status_code, len(callbacks)) == (202, 1)


def test_sync_while_a_worker_has_it_says_that_it_is_not_done(ci: APIClient):
    send(ci, sync=False, progress=progress())
    IngestPayload.objects.update(state="digesting")
    answer = send(ci, progress=progress())
    assert (answer.status_code, answer.json()["state"]) == (202, "digesting")


def test_a_list_of_receipts_costs_the_same_for_one_and_for_many(
    ci: APIClient, django_assert_num_queries
):
    send(ci, progress=progress())
    for number in range(3, 12):
        send(ci, progress=progress(seconds=number))
    with django_assert_num_queries(5) as queries:
        receipts = ci.get("/api/v1/ingest/receipts/").json()["results"]
    assert len(receipts) == 10
    assert all(len(receipt["builds"]) == 1 for receipt in receipts), len(queries)


@pytest.mark.parametrize("address", ["2001:DB8::1", "::ffff:192.0.2.1", "fe80::1%eth0", "unknown"])
def test_the_trail_holds_for_any_address(api_of, project: Project, address: str):
    operator = api_of(Scope.INGEST_WRITE, Scope.INGEST_REPLAY)
    failed = send(operator, record=b"rubbish").json()["status_url"]
    assert operator.post(failed + "dismiss/", REMOTE_ADDR=address).status_code == 200
    assert AuditEvent.objects.filter(action="payload.dismissed").count() == 1
    assert verify_chain(chain_name(project)) is None
