"""Messages to chat rooms: Slack-compatible and Teams-compatible webhooks."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.contract import Event, Fact, Message, Severity
from channels.kinds.slack import escaped
from channels.kinds.slack import payload_of as slack_payload
from channels.kinds.teams import payload_of as teams_payload
from channels.sending import send_due
from tests.channels.conftest import MakeChannel, Tell
from tests.channels.receiving import Receiver

SITE = "https://builds.example.com/projects/shop"
TEXTS = st.text(max_size=5000) | st.text("&<>", max_size=5000)


@pytest.mark.django_db
def test_slack_gets_blocks_and_the_same_as_text(
    make_channel: MakeChannel, tell: Tell, receiver: Receiver
):
    tell(make_channel("slack"))
    send_due()
    [request] = receiver.taken
    assert request.document == {
        "text": "Firing: api is slower\nIt takes 95 s, 60 s before.\n"
        f"<{SITE}/services/api/|Open in buildinsights>",
        "blocks": [
            {
                "type": "header",
                "text": {"type": "plain_text", "text": "Firing: api is slower", "emoji": False},
            },
            {
                "type": "section",
                "text": {
                    "type": "mrkdwn",
                    "text": "It takes 95 s, 60 s before.",
                    "verbatim": True,
                },
            },
            {
                "type": "section",
                "fields": [
                    {
                        "type": "mrkdwn",
                        "text": f"*Step*\n<{SITE}/builds/1/|RUN npm ci &lt;fast&gt; &amp; *bold*>",
                        "verbatim": True,
                    },
                    {"type": "mrkdwn", "text": "*Since*\n29 Nov", "verbatim": True},
                ],
            },
            {
                "type": "context",
                "elements": [{"type": "mrkdwn", "text": "Shop · severity high", "verbatim": True}],
            },
            {
                "type": "actions",
                "elements": [
                    {
                        "type": "button",
                        "text": {"type": "plain_text", "text": "Open", "emoji": False},
                        "url": f"{SITE}/services/api/",
                    }
                ],
            },
        ],
    }


@pytest.mark.django_db
def test_teams_gets_a_card(make_channel: MakeChannel, tell: Tell, receiver: Receiver):
    tell(make_channel("teams"))
    receiver.reply(202)
    send_due()
    [attachment] = receiver.asked[0].document["attachments"]
    assert receiver.asked[0].document["type"] == "message"
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    assert card["actions"] == [
        {
            "type": "Action.OpenUrl",
            "title": "Open in buildinsights",
            "url": f"{SITE}/services/api/",
        }
    ]
    texts = ["".join(run["text"] for run in block["inlines"]) for block in card["body"]]
    assert texts == [
        "Firing: api is slower",
        "Shop · severity high",
        "It takes 95 s, 60 s before.",
        "Step: RUN npm ci <fast> & *bold*",
        "Since: 29 Nov",
    ]
    assert card["body"][0]["inlines"][0]["color"] == "attention"
    link = card["body"][3]["inlines"][1]["selectAction"]
    assert link == {"type": "Action.OpenUrl", "url": f"{SITE}/builds/1/"}


def test_nobody_is_called_by_what_is_told():
    assert escaped("<!channel> & <@U1>") == "&lt;!channel&gt; &amp; &lt;@\u200bU1&gt;"


def test_nobody_is_called_in_rooms_that_read_plain_text():
    """Mattermost and Rocket.Chat call all for ``@channel``, ``@all`` and ``@here``."""
    called = "fix: ask @channel, @all and @here about #7"
    message = Message("k", Event.FIRING, Severity.LOW, called, called, "/x/", (Fact("By", called),))
    payload = slack_payload(message, "Shop @all")
    markup = [block for block in payload["blocks"] if block["type"] != "header"]
    told = json.dumps([payload["text"], markup], ensure_ascii=False)
    assert told.count("\u200bchannel") == told.count("\u200bhere") == 4
    for name in ("@channel", "@all", "@here", "#7"):
        assert name not in told


def long_message(title: str, text: str) -> Message:
    return Message(
        key="k",
        event=Event.FIRING,
        severity=Severity.LOW,
        title=title,
        summary=text,
        facts=(Fact(text, text, "/x/"),) * 30,
    )


def lengths(blocks: list[dict[str, Any]]) -> list[tuple[int, int]]:
    """Return the length of each text of Slack's blocks with its limit."""
    found = []
    for block in blocks:
        if block["type"] == "header":
            found.append((len(block["text"]["text"]), 150))
        elif "text" in block:
            found.append((len(block["text"]["text"]), 3000))
        found += [(len(part["text"]), 2000) for part in block.get("fields", [])]
    return found


@given(TEXTS, TEXTS)
def test_slack_gets_no_more_than_it_takes(title: str, text: str):
    blocks = slack_payload(long_message(title, text), "Shop")["blocks"]
    assert all(length <= most for length, most in lengths(blocks))
    assert all(len(block.get("fields", [])) <= 10 for block in blocks)
    for block in blocks:
        for part in block.get("fields", []):
            rest = part["text"].replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
            assert "&" not in rest, "no escape is cut in two"


@given(TEXTS)
def test_teams_gets_no_more_than_it_takes(text: str):
    payload = teams_payload(long_message(text, text), "Shop")
    assert len(json.dumps(payload, ensure_ascii=False).encode()) <= 4 * 28 * 1024
    largest = teams_payload(long_message("x" * 9000, "x" * 9000), "Shop")
    assert len(json.dumps(largest).encode()) <= 28 * 1024
