"""Many builds in one NDJSON body: each line has its own result."""

import base64
import json

import pytest
from rest_framework.test import APIClient

from ingest.models import IngestPayload
from tests.ingest.sending import URL, corpus, progress

pytestmark = pytest.mark.django_db


def post(ci: APIClient, *lines: object):
    body = b"\n".join(
        line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines
    )
    return ci.generic("POST", URL, body, content_type="application/x-ndjson")


def test_each_line_becomes_a_payload(ci: APIClient):
    record = base64.b64encode(corpus("plain", "record")).decode()
    answer = post(
        ci,
        {"service": "a", "record": record},
        b"",
        {"service": "b", "progress": {"text": progress().decode()}},
        {"service": "c", "metadata": {"buildx.build.ref": "default/default/x"}},
    )
    assert answer.status_code == 202
    results = answer.json()["results"]
    assert [item["line"] for item in results] == [1, 3, 4]
    assert IngestPayload.objects.count() == 3
    stored = IngestPayload.objects.get(fields__service="a")
    assert bytes(stored.body) == corpus("plain", "record")


def test_a_bad_line_does_not_spoil_its_neighbours(ci: APIClient):
    answer = post(
        ci,
        b"{not json",
        {"service": "ok", "progress": {"text": progress().decode()}},
        {"service": "x", "record": "%%%"},
        ["a list"],
        {"service": "x"},
        {"service": "x", "nonsense": 1, "progress": {}},
    )
    assert answer.status_code == 207
    results = answer.json()["results"]
    assert "receipt" in results[1]
    assert [item["errors"][0]["path"] for item in results if "errors" in item] == [
        "line",
        "record",
        "line",
        "record",
        "nonsense",
    ]


def test_an_empty_body_is_refused(ci: APIClient):
    assert post(ci, b"\n\n").status_code == 400
