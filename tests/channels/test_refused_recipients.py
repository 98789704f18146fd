"""E-mail that a real SMTP server takes for some recipients and refuses for others."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from channels.contract import Event
from channels.models import Channel, Delivery
from channels.opening import opened, put_into
from channels.sending import MAX_TRIES, OFF_AFTER, send_due
from tests.channels.conftest import MakeChannel, Tell
from tests.channels.test_sending import make_due
from tests.farm.test_notices import Inbox, inbox  # noqa: F401  # a fixture

pytestmark = pytest.mark.django_db
ANN, BEN, CAT = TEAM = ["ann@example.com", "ben@example.com", "cat@example.com"]


class Doors:
    """Which recipients the mail server was asked for, and what it says to those it refuses."""

    def __init__(self) -> None:
        self.closed: dict[str, str] = {}
        self.asked: list[str] = []


@pytest.fixture
def doors(monkeypatch: pytest.MonkeyPatch) -> Doors:
    """All are open."""
    doors = Doors()

    async def handle(*seen: Any) -> str:
        _, _, _, envelope, address, _ = seen
        doors.asked.append(address)
        if address not in doors.closed:
            envelope.rcpt_tos.append(address)
        return doors.closed.get(address, "250 OK")

    monkeypatch.setattr(Inbox, "handle_RCPT", handle, raising=False)
    return doors


@pytest.fixture
def team(make_channel: MakeChannel, inbox: Inbox) -> Channel:  # noqa: F811
    return make_channel("email", recipients=TEAM)


def read_by(inbox: Inbox) -> Counter[str]:  # noqa: F811
    """Count the e-mails that each has."""
    return Counter(address for recipients, _ in inbox.messages for address in recipients)


def test_who_was_refused_has_it_later_and_nobody_twice(
    inbox: Inbox,  # noqa: F811
    doors: Doors,
    team: Channel,
    tell: Tell,
):
    doors.closed = {BEN: "451 Greylisted, try again later"}
    delivery = tell(team)
    send_due()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries, delivery.recipients) == ("pending", 1, [BEN])
    assert delivery.error == "The mail server refuses it for ben@example.com: 451"
    assert read_by(inbox) == {ANN: 1, CAT: 1}
    make_due()
    send_due()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.recipients) == ("pending", [BEN]), "still closed"
    doors.closed = {}
    make_due()
    send_due()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries, delivery.recipients) == ("sent", 3, [])
    assert delivery.error == ""
    assert read_by(inbox) == {ANN: 1, BEN: 1, CAT: 1}
    assert {mail["To"] for _, mail in inbox.messages} == {", ".join(TEAM)}
    assert {mail["Message-ID"] for _, mail in inbox.messages} == {delivery.provider_id}


def test_the_others_do_not_wait_for_who_was_refused(
    inbox: Inbox,  # noqa: F811
    doors: Doors,
    team: Channel,
    tell: Tell,
):
    doors.closed = {BEN: "451 Greylisted, try again later"}
    for event in (Event.FIRING, Event.RESOLVED):
        tell(team, event)
    tell(team, key="alert/2")
    assert send_due() == 3
    assert read_by(inbox) == {ANN: 3, CAT: 3}
    team.refresh_from_db()
    assert (team.failures, team.rests_until) == (0, None)
    doors.closed = {}
    make_due()
    last = Delivery.objects.filter(message__event="resolved")
    last.update(next_at=timezone.now() - timedelta(hours=1))
    send_due()
    subjects = [mail["Subject"] for to, mail in inbox.messages if to == [BEN]]
    assert len(subjects) == 3
    ended = [number for number, subject in enumerate(subjects) if "esolved" in subject]
    assert ended == [1], "after the beginning, though it was due before it"


def test_who_has_heard_of_the_end_is_not_told_of_the_beginning(
    inbox: Inbox,  # noqa: F811
    doors: Doors,
    team: Channel,
    tell: Tell,
):
    doors.closed = {BEN: "451 Greylisted, try again later"}
    begun = tell(team)
    send_due()
    doors.closed = {}
    tell(team, Event.RESOLVED)
    send_due()
    make_due()
    send_due()
    begun.refresh_from_db()
    assert (begun.state, begun.error) == (
        "dropped",
        "Something later about the same thing was sent.",
    )
    assert read_by(inbox) == {ANN: 2, BEN: 1, CAT: 2}


def test_who_is_refused_for_good_is_named_and_the_channel_stays_on(
    inbox: Inbox,  # noqa: F811
    doors: Doors,
    team: Channel,
    tell: Tell,
):
    doors.closed = {BEN: "550 No such user here"}
    for number in range(OFF_AFTER):
        tell(team, key=f"alert/{number}")
    send_due()
    told = set(Delivery.objects.values_list("state", "tries", "error"))
    assert told == {("failed", 1, "The mail server refuses it for ben@example.com: 550")}
    assert read_by(inbox) == {ANN: OFF_AFTER, CAT: OFF_AFTER}
    team.refresh_from_db()
    assert (team.is_on, team.failures) == (True, 0)


def test_who_is_refused_for_long_is_given_up_alone_and_may_be_tried_again(
    inbox: Inbox,  # noqa: F811
    doors: Doors,
    team: Channel,
    tell: Tell,
    client_of: Callable[[User], Client],
    alice: User,
):
    doors.closed = {BEN: "452 Mailbox full", CAT: "550 No such user here"}
    delivery = tell(team)
    for _ in range(MAX_TRIES):
        make_due()
        send_due()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries, delivery.recipients) == ("failed", 8, [BEN, CAT])
    assert Counter(doors.asked) == {ANN: 1, BEN: 8, CAT: 8}
    page = delivery.get_absolute_url()
    browser = client_of(alice)
    assert "ben@example.com, cat@example.com</dd>" in browser.get(page).content.decode()
    doors.closed = {}
    browser.post(f"{page}retry/")
    send_due()
    assert "Still without it" not in browser.get(page).content.decode()
    assert read_by(inbox) == {ANN: 1, BEN: 1, CAT: 1}


def test_who_is_no_longer_a_recipient_is_not_tried_again(
    inbox: Inbox,  # noqa: F811
    doors: Doors,
    team: Channel,
    tell: Tell,
):
    doors.closed = {BEN: "451 Greylisted, try again later"}
    delivery = tell(team)
    send_due()
    put_into(team, opened(team).model_copy(update={"recipients": [ANN, CAT]}))
    team.save()
    doors.closed = {}
    make_due()
    send_due()
    delivery.refresh_from_db()
    assert delivery.state == "dropped"
    assert read_by(inbox) == {ANN: 1, CAT: 1}
