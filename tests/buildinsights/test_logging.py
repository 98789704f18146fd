"""Logs of text from outside: each event stays one line, and commands no terminal."""

import io
import json
import logging.config
from collections.abc import Callable, Iterator

import pytest
import structlog
from django.conf import settings
from django.test import Client

from buildinsights.logging import logging_config

HOSTILE = "x\n2026-01-01 [info     ] forged\x1b[2J\u202e\r\x9b31m"


@pytest.fixture(params=[False, True], ids=["text", "json"])
def logged(request: pytest.FixtureRequest) -> Iterator[tuple[bool, Callable[[], str]]]:
    """Whether it is JSON, and what gives all that was logged so far."""
    written = io.StringIO()
    config = logging_config("INFO", json=request.param)
    config["handlers"]["stderr"]["stream"] = written
    logging.config.dictConfig(config)
    yield request.param, written.getvalue
    logging.config.dictConfig(settings.LOGGING)


def lines(text: str) -> list[str]:
    """Return the lines, none of which has a character that commands."""
    found = text.removesuffix("\n").split("\n")
    assert all(line.isprintable() for line in found)
    return found


def test_a_value_and_a_message_stay_on_their_line(logged: tuple[bool, Callable[[], str]]):
    is_json, text = logged
    structlog.get_logger("ours").warning(
        "event_named", path=HOSTILE, word="\x1b[2J", more={"key": [HOSTILE]}
    )
    logging.getLogger("theirs").warning("asked for %s", HOSTILE)
    ours, theirs = lines(text())
    if is_json:
        assert json.loads(ours)["path"] == HOSTILE
        assert json.loads(theirs)["event"] == f"asked for {HOSTILE}"
    else:
        assert "event_named" in ours
        assert r"asked for x\n2026-01-01 [info     ] forged\x1b[2J\u202e\r\x9b31m" in theirs


def test_lines_of_a_traceback_are_set_in(logged: tuple[bool, Callable[[], str]]):
    is_json, text = logged
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        structlog.get_logger("ours").exception("event_named")
    first, *rest = lines(text())
    if is_json:
        assert not rest
        assert f"ValueError: {HOSTILE}" in json.loads(first)["exception"]
    else:
        assert len(rest) > 4
        assert all(line.startswith("    ") for line in rest)
        assert r"    2026-01-01 [info     ] forged\x1b[2J\u202e\r\x9b31m" in rest


@pytest.mark.django_db
def test_links_that_end_reports_can_be_used_by_nobody_who_reads_logs(
    logged: tuple[bool, Callable[[], str]], client: Client
):
    is_json, text = logged
    for answer in (
        client.get("/unsubscribe/abc0123:s3cret/"),
        client.put("/unsubscribe/abc0123:s3cret/"),
        client.get("/unsubscribe/abc0123:s3cret?x=1"),
        client.get("/unsubscribe/abc0123%3As3cret/more"),
    ):
        assert answer.status_code in {301, 404, 405}
    assert ("/unsubscribe/\\u2026/" if is_json else "/unsubscribe/…/") in text()
    assert "s3cret" not in text()
