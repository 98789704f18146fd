"""Channels and deliveries for machines: scopes, write-only secrets, named errors."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from accounts.roles import Scope
from channels.contract import Event
from channels.models import Channel, Delivery
from channels.opening import opened
from channels.sending import send_due
from tests.channels.conftest import MakeChannel, Tell
from tests.channels.receiving import Receiver

pytestmark = pytest.mark.django_db
CHANNELS = "/api/v1/channels/"
DELIVERIES = "/api/v1/deliveries/"


@pytest.fixture
def writer(api_of: Callable[..., APIClient]) -> APIClient:
    return api_of(Scope.BUILDS_READ, Scope.CHANNELS_WRITE)


def test_a_channel_from_first_to_last(writer: APIClient, receiver: Receiver):
    wanted = {"kind": "webhook", "name": "Builds", "settings": {"url": receiver.url}}
    made = writer.post(CHANNELS, wanted, format="json")
    assert made.status_code == 201
    channel = Channel.objects.get()
    own = f"{CHANNELS}{channel.public_id}/"
    assert made.json()["secret"] == opened(channel).secret.get_secret_value()
    told = writer.get(own).json()
    assert told["settings"] == {}
    assert told["destination"] == "127.0.0.1"
    assert "secret" not in told
    assert "s3cret" not in writer.get(CHANNELS).content.decode()

    asked = writer.post(f"{own}test/")
    assert (asked.status_code, asked.json()["state"]) == (202, "pending")
    send_due()
    delivery = writer.get(f"{DELIVERIES}{asked.json()['id']}/").json()
    assert (delivery["state"], delivery["channel"]) == ("sent", str(channel.public_id))

    changed = writer.put(own, {"name": "Other", "settings": {}}, format="json")
    assert changed.json()["name"] == "Other"
    assert writer.post(f"{own}switch-off/").json()["is_on"] is False
    assert writer.post(f"{own}test/").json()["errors"][0]["code"] == "channel_off"
    assert writer.post(f"{own}switch-on/").json()["is_on"] is True
    rotated = writer.post(f"{own}rotate-secret/").json()
    channel.refresh_from_db()
    assert rotated["secret"] == opened(channel).secret.get_secret_value()
    assert rotated["previous_until"] == writer.get(own).json()["settings"]["previous_until"]
    assert writer.delete(own).status_code == 204
    assert not Channel.objects.exists()


@pytest.mark.parametrize(
    ("change", "attr"),
    [
        ({"kind": "pigeon"}, "kind"),
        ({"settings": {}}, "settings.url"),
        ({"settings": {"url": "https://10.0.0.1/"}}, "settings.url"),
        ({"settings": {"url": "https://93.184.216.34/", "colour": "red"}}, "settings.colour"),
        ({"settings": {"url": "https://93.184.216.34/", "secret": "whsec_AA"}}, "settings.secret"),
        ({"settings": "x"}, "settings"),
        ({"name": ""}, "name"),
    ],
)
def test_what_is_wrong_is_named(writer: APIClient, change: dict[str, Any], attr: str):
    wanted = {"kind": "webhook", "name": "x", "settings": {"url": "https://93.184.216.34/"}}
    answer = writer.post(CHANNELS, wanted | change, format="json")
    assert answer.status_code == 400
    assert [error["attr"].partition(".0")[0] for error in answer.json()["errors"]] == [attr]
    assert not Channel.objects.exists()


def test_reading_and_changing_are_two_scopes(
    api: APIClient, make_channel: MakeChannel, tell: Tell, carol: User
):
    channel = make_channel()
    delivery = tell(channel)
    assert len(api.get(CHANNELS).json()["results"]) == 1
    assert len(api.get(DELIVERIES).json()["results"]) == 1
    own = f"{CHANNELS}{channel.public_id}/"
    acts = [f"{own}test/", f"{own}switch-off/", f"{own}rotate-secret/"]
    acts += [CHANNELS, f"{DELIVERIES}{delivery.public_id}/retry/"]
    for address in acts:
        assert api.post(address, {}, format="json").status_code == 403
    assert api.delete(own).status_code == 403
    stranger = APIClient()
    stranger.force_authenticate(carol)
    assert stranger.get(CHANNELS).json()["results"] == []
    assert stranger.get(own).status_code == 404
    assert stranger.delete(own).status_code == 404
    assert stranger.post(acts[-1]).status_code == 404


def test_what_was_given_up_is_tried_again(
    writer: APIClient, make_channel: MakeChannel, tell: Tell, receiver: Receiver
):
    receiver.reply(404)
    delivery = tell(make_channel())
    own = f"{DELIVERIES}{delivery.public_id}/"
    assert writer.post(f"{own}retry/").json()["errors"][0]["code"] == "delivery_not_given_up"
    send_due()
    assert writer.get(f"{DELIVERIES}?state=failed").json()["results"][0]["error"]
    again = writer.post(f"{own}retry/").json()
    assert (again["state"], again["tries"]) == ("pending", 0)
    receiver.reply(200)
    send_due()
    assert Delivery.objects.get().state == "sent"
    other = make_channel(name="other")
    listed = writer.get(f"{DELIVERIES}?channel={other.public_id}").json()["results"]
    assert listed == []


def test_a_beginning_is_not_tried_again_after_its_end_was_told(
    writer: APIClient, make_channel: MakeChannel, tell: Tell, receiver: Receiver
):
    channel, other = make_channel(), make_channel(name="other")
    begun, elsewhere = tell(channel), tell(other)
    receiver.reply(404)
    send_due()
    receiver.reply(200)
    ended = tell(channel, Event.RESOLVED)
    own = f"{DELIVERIES}{begun.public_id}/"
    assert writer.post(f"{own}retry/").json()["state"] == "pending", "nothing of it was sent yet"
    Delivery.objects.filter(pk=begun.pk).update(state="failed")
    send_due()
    assert Delivery.objects.get(pk=ended.pk).state == "sent"
    answer = writer.post(f"{own}retry/")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "delivery_overtaken")
    assert writer.post(f"{DELIVERIES}{elsewhere.public_id}/retry/").status_code == 200
