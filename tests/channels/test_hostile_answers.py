"""Receivers that answer what a database cannot hold, and who may see to whom mail goes."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Role, Scope
from accounts.services import set_member_role
from audit.models import AuditEvent
from channels import outbound
from channels.exceptions import ChannelGoneError
from channels.managing import delete_channel, rotate_secret, switch_channel
from channels.models import Channel, Delivery
from channels.outbound import Answer
from channels.sending import send_due
from channels.services import queue_mail
from tests.channels.conftest import MakeChannel, Tell
from tests.channels.receiving import Receiver

pytestmark = pytest.mark.django_db


def test_an_id_with_a_nul_stops_neither_its_channel_nor_others(
    make_channel: MakeChannel, tell: Tell, monkeypatch: pytest.MonkeyPatch
):
    def ask(*_: Any, **__: Any) -> Answer:
        return Answer(200, {"X-Request-Id": "a\0b"}, b"")

    monkeypatch.setattr("channels.kinds.webhook.ask", ask)
    for name in ("hostile", "other"):
        tell(make_channel(name=name))
    assert send_due() == 2
    assert list(Delivery.objects.values_list("state", "provider_id")) == [("sent", "a\ufffdb")] * 2


def test_an_id_that_is_no_text_is_sent_once(
    make_channel: MakeChannel, tell: Tell, receiver: Receiver
):
    receiver.reply(202, b'{"dedup_key": "\\ud800"}')
    tell(make_channel("pagerduty", routing_key="k", url=receiver.url))
    send_due()
    assert Delivery.objects.get().state == "sent"
    assert (send_due(), len(receiver.taken)) == (0, 1)


@pytest.fixture
def mail(project: Project) -> Delivery:
    """A scheduled report to somebody outside."""
    facts = {"run": "r", "recipient": "x"}
    queue_mail(
        project=project,
        composer="report",
        recipients=["ceo@example.com"],
        key="report/1",
        facts=facts,
    )
    return Delivery.objects.get()


def test_viewers_do_not_see_to_whom_reports_go(
    mail: Delivery, project: Project, bob: User, client_of: Callable[[User], Client]
):
    page = f"/projects/{project.slug}/settings/deliveries/"
    viewer = client_of(bob)
    assert "ceo@example.com" not in viewer.get(page).content.decode()
    assert viewer.get(mail.get_absolute_url()).status_code == 404
    set_member_role(project=project, user=bob, role=Role.AUDITOR, actor=bob)
    auditor = client_of(bob)
    assert "ceo@example.com" in auditor.get(page).content.decode()
    assert auditor.get(mail.get_absolute_url()).status_code == 200


@pytest.mark.parametrize(
    ("scopes", "seen"),
    [
        ([Scope.BUILDS_READ], 0),
        ([Scope.BUILDS_READ, Scope.CHANNELS_WRITE], 0),
        ([Scope.BUILDS_READ, Scope.REPORTS_WRITE], 1),
        ([Scope.BUILDS_READ, Scope.AUDIT_READ], 1),
    ],
)
def test_nor_do_tokens(
    mail: Delivery, api_of: Callable[..., APIClient], scopes: list[Scope], seen: int
):
    answer = api_of(*scopes).get("/api/v1/deliveries/")
    assert len(answer.json()["results"]) == seen
    assert ("ceo@example.com" in answer.content.decode()) is bool(seen)


@pytest.mark.parametrize(
    "address",
    [
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "::127.0.0.1",
        "2001:0:7f00:1::",
        "fec0::1",
        "ff02::1",
        "::",
        "100.64.0.1",
        "192.0.0.170",
        "198.18.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "0.0.0.1",
    ],
)
def test_no_form_of_an_inner_address_is_one_of_the_internet(address: str):
    assert not outbound.is_global(outbound.ipaddress.ip_address(address))


def test_a_channel_is_deleted_once(make_channel: MakeChannel, alice: User):
    channel = make_channel()
    stale = Channel.objects.select_related("project").get()
    delete_channel(channel=channel, actor=alice)
    for act in (delete_channel, rotate_secret, partial(switch_channel, is_on=True)):
        with pytest.raises(ChannelGoneError):
            act(channel=stale, actor=alice)
    assert AuditEvent.objects.filter(action__startswith="channel.").count() == 1
