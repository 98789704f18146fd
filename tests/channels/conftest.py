"""Channels to real receivers on the loopback."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from accounts.models import Project
from channels.contract import Event, Fact, Message, Severity
from channels.kinds import KINDS
from channels.models import Channel, Delivery
from channels.opening import put_into
from channels.services import queue_message
from tests.channels.receiving import Receiver, receiving

LOOPBACK = "127.0.0.0/8"

MakeChannel = Callable[..., Channel]
Tell = Callable[..., Delivery]


@pytest.fixture(autouse=True)
def _surroundings(settings: Any) -> None:
    """The loopback is open, and the site has a name."""
    settings.OUTBOUND_ALLOWED_NETWORKS = [LOOPBACK]
    settings.PUBLIC_URL = "https://builds.example.com/"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A server that takes everything."""
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def make_channel(project: Project, receiver: Receiver) -> MakeChannel:
    """Make a channel; a webhook to the receiver unless said otherwise."""

    def make(kind: str = "webhook", name: str = "", **values: Any) -> Channel:
        channel = Channel(project=project, kind=kind, name=name or kind)
        if kind not in {"email", "github", "pagerduty"}:
            values.setdefault("url", receiver.url)
        put_into(channel, KINDS[kind].settings_model(**values))
        channel.save()
        return channel

    return make


def message(event: Event = Event.FIRING, **changes: Any) -> Message:
    """A message like those of alerts."""
    said: dict[str, Any] = {
        "key": "alert/1",
        "event": event,
        "severity": Severity.HIGH,
        "title": "api is slower",
        "summary": "It takes 95 s, 60 s before.",
        "path": "/projects/shop/services/api/",
        "facts": (
            Fact("Step", "RUN npm ci <fast> & *bold*", "/projects/shop/builds/1/"),
            Fact("Since", "29 Nov"),
        ),
    }
    return Message(**said | changes)


@pytest.fixture
def tell() -> Tell:
    """Queue one message for one channel and return its delivery."""
    count = 0

    def queue(channel: Channel, event: Event = Event.FIRING, **changes: Any) -> Delivery:
        nonlocal count
        count += 1
        told = message(event, **changes)
        assert queue_message(channels=[channel], message=told, key=f"{told.key}/{count}") == 1
        return Delivery.objects.latest("pk")

    return queue
