"""Changes of a channel that meet others."""

from collections.abc import Callable

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts.models import User
from channels.managing import change_channel, rotate_secret, switch_channel
from channels.models import Channel, Delivery
from channels.opening import opened
from channels.sending import send_due
from tests.channels.conftest import MakeChannel, Tell
from tests.channels.receiving import Receiver
from tests.farm.test_queue_races import begun

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def by_page(client_of: Callable[[User], Client], alice: User) -> Callable[[Channel], int]:
    """Name a channel in the browser."""
    browser = client_of(alice)
    return lambda channel: browser.post(channel.get_absolute_url(), {"name": "Other"}).status_code


@pytest.fixture
def by_call(client_of: Callable[[User], Client], alice: User) -> Callable[[Channel], int]:
    """Name a channel by the API."""
    browser = client_of(alice)

    def change(channel: Channel) -> int:
        address = f"/api/v1/channels/{channel.public_id}/"
        body = {"name": "Other", "settings": {}}
        return browser.put(address, body, content_type="application/json").status_code

    return change


@pytest.mark.parametrize(("way", "status"), [("by_page", 302), ("by_call", 200)])
def test_a_change_keeps_the_secret_that_is_made_meanwhile(
    make_channel: MakeChannel,
    alice: User,
    way: str,
    status: int,
    request: pytest.FixtureRequest,
):
    channel, change = make_channel(), request.getfixturevalue(way)
    first = opened(channel).secret.get_secret_value()
    with transaction.atomic():
        made = rotate_secret(channel=channel, actor=alice)
        changing = begun(lambda: change(channel))
        assert not changing.done()
    assert changing.result() == status
    channel.refresh_from_db()
    assert channel.name == "Other"
    assert opened(channel).signing() == [made, first]


def test_a_key_that_is_entered_meanwhile_does_not_go_to_the_former_address(
    make_channel: MakeChannel,
    receiver: Receiver,
    client_of: Callable[[User], Client],
    alice: User,
):
    pager = make_channel("pagerduty", url=receiver.url, routing_key="0LD")
    elsewhere = {"url": f"http://127.0.0.1:{receiver.port}/elsewhere", "routing_key": "N3W"}
    form = {"name": "Mine", "url": receiver.url, "routing_key": ""}
    browser = client_of(alice)
    with transaction.atomic():
        change_channel(channel=pager, name="Theirs", values=elsewhere, actor=alice)
        changing = begun(lambda: browser.post(pager.get_absolute_url(), form))
        assert not changing.done()
    assert "This is needed." in changing.result().content.decode()
    pager.refresh_from_db()
    known = opened(pager)
    assert (pager.name, known.url) == ("Theirs", elsewhere["url"])
    assert known.routing_key.get_secret_value() == "N3W"


@pytest.mark.parametrize("act", ["change", "switch"])
def test_a_channel_that_is_changed_or_switched_on_does_not_rest(
    make_channel: MakeChannel, tell: Tell, receiver: Receiver, alice: User, act: str
):
    channel = make_channel()
    receiver.reply(503)
    tell(channel)
    send_due()
    receiver.reply(200)
    later = tell(channel, key="alert/2")
    assert send_due() == 0
    if act == "change":
        values = {"url": f"http://127.0.0.1:{receiver.port}/other"}
        change_channel(channel=channel, name="Other", values=values, actor=alice)
    else:
        switch_channel(channel=channel, is_on=True, actor=alice)
    assert send_due() == 1
    later.refresh_from_db()
    assert later.state == "sent"
    assert Delivery.objects.filter(state="pending", next_at__gt=timezone.now()).count() == 1
