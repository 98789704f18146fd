"""Results for the server: kept until it takes them, refused once, and never in the way."""

import json
from pathlib import Path

import pytest

from cli import outbox
from cli.settings import Server
from tests.cli.standing_in import Ingest


def numbers(ingest: Ingest) -> list[int]:
    return [json.loads(taken.body)["number"] for taken in ingest.taken]


def test_what_waits_for_a_server_is_sent_once_there_is_one(
    own_home: Path, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("BUILDINSIGHTS_URL")
    for number in (1, 2):
        outbox.deliver("verifications/", {"number": number}, "It", waits_for_server=True)
    outbox.deliver("inspections/", {"number": 3}, "It")
    assert ingest.taken == []
    to = Server(ingest.url, "bi_token")
    assert outbox.send_waiting(to) == 2
    assert outbox.send_waiting(to) == 0
    assert numbers(ingest) == [1, 2]
    assert {taken.path for taken in ingest.taken} == {"/api/v1/verifications/"}


def test_a_server_that_is_away_gets_it_with_the_next_one(
    ingest: Ingest, capsys: pytest.CaptureFixture[str]
):
    ingest.status = 503
    outbox.deliver("inspections/", {"number": 1}, "It")
    assert "It was not sent, and is kept: failed: 503" in capsys.readouterr().err
    ingest.status = 201
    outbox.deliver("inspections/", {"number": 2}, "It")
    assert "It was sent." in capsys.readouterr().err
    assert numbers(ingest) == [1, 2, 1]


def test_what_is_refused_is_told_and_not_sent_again(
    ingest: Ingest, capsys: pytest.CaptureFixture[str]
):
    ingest.status = 400
    outbox.deliver("inspections/", {"number": 1}, "It")
    assert "It was not sent: refused: 400" in capsys.readouterr().err
    ingest.status = 201
    assert outbox.send_waiting(Server(ingest.url, "bi_token")) == 0
    assert numbers(ingest) == [1]


def test_what_cannot_be_kept_is_sent_all_the_same(
    own_home: Path, ingest: Ingest, capsys: pytest.CaptureFixture[str]
):
    own_home.write_text("no directory")
    outbox.deliver("inspections/", {"number": 1}, "It")
    told = capsys.readouterr().err
    assert "It is not kept: " in told
    assert "It was sent." in told
    assert numbers(ingest) == [1]
