"""Sealed secrets open with the right key, in the right row, and nowhere else."""

from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from channels.contract import PermanentDeliveryError
from channels.models import Channel
from channels.opening import opened
from channels.sealing import SealedError, seal, unseal
from channels.sending import send_due
from tests.channels.conftest import MakeChannel, Tell
from tests.channels.receiving import Receiver

SECRETS = {"url": "https://hooks.example.com/s3cret"}


@given(st.dictionaries(st.text(), st.text()))
def test_what_is_sealed_opens_again(secrets: dict[str, str]):
    owner = uuid4()
    sealed = seal(owner, secrets)
    assert unseal(owner, sealed) == secrets
    assert unseal(owner, b"") == {}


def test_what_is_sealed_for_one_channel_opens_for_no_other():
    sealed = seal(uuid4(), SECRETS)
    assert b"s3cret" not in sealed
    with pytest.raises(SealedError):
        unseal(uuid4(), sealed)
    with pytest.raises(SealedError):
        unseal(uuid4(), b"rubbish")


def test_former_keys_open_while_they_are_named(settings: Any):
    owner, former = uuid4(), settings.SECRET_KEY
    sealed = seal(owner, SECRETS)
    settings.SECRET_KEY = "another-" + "y" * 40
    with pytest.raises(SealedError):
        unseal(owner, sealed)
    settings.SECRET_KEY_FALLBACKS = [former]
    assert unseal(owner, sealed) == SECRETS
    again = seal(owner, SECRETS)
    settings.SECRET_KEY_FALLBACKS = []
    assert unseal(owner, again) == SECRETS


@pytest.mark.django_db
def test_a_row_keeps_no_secret_and_one_that_cannot_be_opened_says_so(
    make_channel: MakeChannel, tell: Tell, receiver: Receiver, settings: Any
):
    channel = make_channel()
    row = Channel.objects.values().get()
    assert "s3cret" not in str(row)
    assert "whsec" not in str(row)
    assert row["destination"] == "127.0.0.1"
    settings.SECRET_KEY = "another-" + "y" * 40
    with pytest.raises(PermanentDeliveryError, match="Enter them again"):
        opened(channel)
    delivery = tell(channel)
    send_due()
    delivery.refresh_from_db()
    assert (delivery.state, receiver.asked) == ("failed", [])


@pytest.mark.django_db
def test_resealing_lets_a_former_key_go(make_channel: MakeChannel, settings: Any):
    channel = make_channel()
    known, former = opened(channel), settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another-" + "y" * 40, [former]
    call_command("reseal")
    settings.SECRET_KEY_FALLBACKS = []
    channel.refresh_from_db()
    assert opened(channel) == known
    settings.SECRET_KEY = former
    with pytest.raises(CommandError, match=r"the secrets of channel webhook in \w+: enter them"):
        call_command("reseal")
