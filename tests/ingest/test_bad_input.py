"""Rubbish gets an error with its place, or is read with the bad part named; never a 500."""

import base64
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from builds.models import Build, Step, StepLog
from ingest.models import IngestPayload
from tests.ingest.sending import corpus, progress, send

pytestmark = pytest.mark.django_db
RECORD = corpus("plain", "record")


def settled(answer) -> dict:
    assert answer.status_code in {201, 422}, answer.content
    receipt = answer.json()
    if answer.status_code == 422:
        assert receipt["errors"]
        assert all(error["path"] != "digest" for error in receipt["errors"]), receipt
    return receipt


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(position=st.integers(0, len(RECORD) - 1), bit=st.integers(0, 7), cut=st.booleans())
def test_a_damaged_record_never_breaks_the_server(
    ci: APIClient, position: int, bit: int, cut: bool
):
    data = bytearray(RECORD)
    data[position] ^= 1 << bit
    settled(send(ci, record=bytes(data[:position] if cut else data) or b"x"))


@pytest.mark.parametrize(
    "vertex",
    [
        {"name": "lone \ud800 surrogate"},
        {"name": "NUL \0 inside"},
        {"started": "0001-01-01T00:00:00Z", "completed": "0001-01-01T00:00:00Z"},
        {"started": "2026-01-05T10:00:09Z", "completed": "2026-01-05T10:00:00Z"},
        {"started": "9999-12-31T23:59:59Z"},
        {"inputs": ["sha256:" + "a" * 64]},
        {"inputs": ["sha256:missing"]},
        {"error": "<script>alert(1)</script>\x1b[31m"},
        {"name": "x" * 100_000},
    ],
    ids=lambda vertex: str(vertex)[:40],
)
def test_strange_vertices_are_read_or_refused(ci: APIClient, vertex: dict):
    data = progress().decode()
    strange = {**json.loads(data)["vertexes"][0], **vertex}
    receipt = settled(send(ci, progress=json.dumps({"vertexes": [strange]}).encode()))
    if receipt["state"] == "done":
        assert Step.objects.of(Build.objects.get()).count() == 1


def test_a_cycle_is_named(ci: APIClient):
    digests = ["sha256:" + letter * 64 for letter in "ab"]
    vertexes = [
        {"digest": digest, "name": "RUN x", "inputs": [other]}
        | {"started": "2026-01-05T10:00:00Z", "completed": "2026-01-05T10:00:01Z"}
        for digest, other in zip(digests, reversed(digests), strict=True)
    ]
    receipt = settled(send(ci, progress=json.dumps({"vertexes": vertexes}).encode()))
    said = json.dumps(receipt["errors"] or Build.objects.get().problems)
    assert "cycle" in said.lower()


def test_logs_are_masked_and_keep_their_bytes_out_of_the_page(ci: APIClient):

    text = b"\x1b[31m<b>red</b>\x1b[0m token=hunter2hunter2\n"
    log = {
        "vertex": "sha256:" + "a" * 64,
        "stream": 1,
        "data": base64.b64encode(text).decode(),
        "timestamp": "2026-01-05T10:00:01Z",
    }
    send(ci, progress=progress() + json.dumps({"logs": [log]}).encode())
    stored = StepLog.objects.get()
    assert "hunter2" not in stored.text
    assert "<b>red</b>" in stored.text, "text is stored as it is and escaped where it is shown"
    assert stored.offsets_ms == [1000]


def test_a_record_needs_a_service_unless_it_names_one(ci: APIClient):
    receipt = send(ci, progress=progress(), fields={"service": ""}).json()
    assert receipt["state"] == "failed"
    assert receipt["errors"][0]["path"] == "service"
    assert IngestPayload.objects.get().state == "failed"
