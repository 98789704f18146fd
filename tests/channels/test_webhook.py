"""Signed webhooks to a real receiver."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from accounts.models import User
from channels.exceptions import TooManySecretsError
from channels.kinds.webhook import MOST_FORMER, WebhookSettings, sign
from channels.managing import rotate_secret
from channels.models import Channel, Delivery
from channels.opening import opened, put_into
from channels.sealing import seal
from channels.sending import send_due
from tests.channels.conftest import MakeChannel, Tell
from tests.channels.receiving import Receiver, Request

pytestmark = pytest.mark.django_db


def is_signed(request: Request, secret: str) -> bool:
    """Verify as a receiver would, with nothing of the sender's code."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{request.headers['Webhook-Id']}.{request.headers['Webhook-Timestamp']}."
    digest = hmac.new(key, signed.encode() + request.body, hashlib.sha256).digest()
    known = "v1," + base64.b64encode(digest).decode()
    return known in request.headers["Webhook-Signature"].split(" ")


def test_the_signature_is_that_of_the_specification():
    """The example of https://github.com/standard-webhooks, tests of its libraries."""
    signature = sign(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "1614265330",
        b'{"test": 2432232314}',
    )
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_what_is_told_arrives_signed_and_whole(
    make_channel: MakeChannel, tell: Tell, receiver: Receiver
):
    channel = make_channel()
    delivery = tell(channel)
    assert send_due() == 1
    [request] = receiver.taken
    assert is_signed(request, opened(channel).secret.get_secret_value())
    assert request.headers["Webhook-Id"] == f"msg_{delivery.public_id.hex}"
    assert request.headers["Host"] == f"127.0.0.1:{receiver.port}"
    assert request.document == {
        "type": "message.firing",
        "timestamp": delivery.created_at.isoformat(),
        "data": {
            "project": "Shop",
            "key": "alert/1",
            "event": "firing",
            "severity": "high",
            "title": "api is slower",
            "summary": "It takes 95 s, 60 s before.",
            "url": "https://builds.example.com/projects/shop/services/api/",
            "facts": [
                {
                    "label": "Step",
                    "value": "RUN npm ci <fast> & *bold*",
                    "url": "https://builds.example.com/projects/shop/builds/1/",
                },
                {"label": "Since", "value": "29 Nov", "url": None},
            ],
            "commit": None,
        },
    }
    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries, delivery.error) == ("sent", 1, "")


def test_the_other_sides_id_is_kept(make_channel: MakeChannel, tell: Tell, receiver: Receiver):
    receiver.reply(202, X_Request_Id="abc-1")
    tell(make_channel())
    send_due()
    assert Delivery.objects.get().provider_id == "abc-1"


def test_two_secrets_sign_until_the_old_one_ends(
    make_channel: MakeChannel, tell: Tell, receiver: Receiver
):
    channel = make_channel()
    old = opened(channel).secret.get_secret_value()
    put_into(channel, opened(channel).rotated())
    channel.save()
    new = opened(channel).secret.get_secret_value()
    assert old != new
    tell(channel)
    send_due()
    assert is_signed(receiver.taken[0], old)
    assert is_signed(receiver.taken[0], new)
    known: WebhookSettings = opened(channel)
    over = known.model_copy(update={"previous_until": datetime.now(UTC) - timedelta(seconds=1)})
    put_into(channel, over)
    channel.save()
    tell(channel)
    send_due()
    assert not is_signed(receiver.taken[1], old)
    assert is_signed(receiver.taken[1], new)


def test_each_secret_signs_for_its_own_seven_days(
    make_channel: MakeChannel, tell: Tell, receiver: Receiver, alice: User
):
    """Made on the 1st, replaced on the 1st, 3rd and 5th: they end on the 8th, 10th and 12th."""
    channel = make_channel()
    secrets = [opened(channel).secret.get_secret_value()]
    for day in (1, 3, 5):
        with time_machine.travel(datetime(2026, 12, day, tzinfo=UTC), tick=False):
            secrets.append(rotate_secret(channel=channel, actor=alice))
    assert len(set(secrets)) == 4
    channel.refresh_from_db()
    signing = {7: secrets, 9: secrets[1:], 11: secrets[2:], 13: secrets[3:]}
    for day, expected in signing.items():
        with time_machine.travel(datetime(2026, 12, day, tzinfo=UTC), tick=False):
            known: WebhookSettings = opened(channel)
            assert known.signing() == expected[::-1]
    tell(channel)
    with time_machine.travel(datetime(2026, 12, 9, tzinfo=UTC), tick=False):
        send_due()
    assert [is_signed(receiver.taken[0], secret) for secret in secrets] == [False, True, True, True]


def test_as_many_secrets_are_made_as_can_sign_together(make_channel: MakeChannel, alice: User):
    channel = make_channel()
    first = opened(channel).secret
    for _ in range(MOST_FORMER):
        rotate_secret(channel=channel, actor=alice)
    with pytest.raises(TooManySecretsError):
        rotate_secret(channel=channel, actor=alice)
    channel.refresh_from_db()
    assert opened(channel).signing()[-1] == first.get_secret_value()
    stored = str(Channel.objects.values().get())
    assert "whsec" not in stored


def test_settings_that_were_stored_with_one_former_secret_are_read(make_channel: MakeChannel):
    channel = make_channel()
    sealed = {"url": "https://hooks.example.com/", "secret": "whsec_Ag==", "previous": "whsec_AQ=="}
    channel.sealed = seal(channel.public_id, sealed)
    channel.settings = {"previous_until": (datetime.now(UTC) + timedelta(days=1)).isoformat()}
    known: WebhookSettings = opened(channel)
    assert known.signing() == ["whsec_Ag==", "whsec_AQ=="]
    put_into(channel, known.rotated())
    assert opened(channel).signing()[1:] == ["whsec_Ag==", "whsec_AQ=="]
