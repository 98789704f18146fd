"""Deliveries until they are taken, given up or dropped."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Project
from audit.models import AuditEvent
from channels import outbound, sending
from channels.composing import register
from channels.contract import Event
from channels.models import Channel, Delivery
from channels.sending import FIRST_PAUSE, LONGEST_PAUSE, MAX_TRIES, OFF_AFTER, pause_after, send_due
from channels.services import queue_mail
from tests.channels.conftest import MakeChannel, Tell
from tests.channels.receiving import Receiver, Reply, Request

pytestmark = pytest.mark.django_db


def make_due() -> None:
    Channel.objects.update(rests_until=None)
    Delivery.objects.filter(state="pending").update(next_at=timezone.now())


def test_pauses_double_and_are_bounded():
    for tries, minutes in [(1, 1), (2, 2), (3, 4), (7, 64)]:
        pause = pause_after(tries)
        assert timedelta(minutes=minutes) <= pause <= 1.25 * timedelta(minutes=minutes)
    assert pause_after(1, 3000) == timedelta(seconds=3000)
    assert pause_after(1, 0.5) >= FIRST_PAUSE
    assert pause_after(1, 999_999_999) == LONGEST_PAUSE


def test_what_is_not_taken_is_tried_again_until_it_is(
    make_channel: MakeChannel, tell: Tell, receiver: Receiver
):
    receiver.reply(503)
    delivery = tell(make_channel())
    assert send_due() == 1
    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries) == ("pending", 1)
    assert delivery.error == "127.0.0.1 answers 503"
    assert delivery.next_at - delivery.created_at >= FIRST_PAUSE
    assert send_due() == 0, "not before its time"
    receiver.reply(200)
    make_due()
    send_due()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries, delivery.error) == ("sent", 2, "")
    assert [request.headers["Webhook-Id"] for request in receiver.asked] == [
        f"msg_{delivery.public_id.hex}"
    ] * 2


def test_after_the_last_try_it_is_given_up(
    make_channel: MakeChannel, tell: Tell, receiver: Receiver
):
    receiver.reply(500)
    delivery = tell(make_channel())
    for number in range(MAX_TRIES):
        assert Delivery.objects.get().state == "pending", number
        make_due()
        send_due()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries, len(receiver.asked)) == ("failed", 8, 8)
    assert Channel.objects.get().failures == 1


@pytest.mark.parametrize("as_date", [False, True])
def test_the_other_side_may_say_when_it_wants_to_be_asked_again(
    make_channel: MakeChannel, tell: Tell, receiver: Receiver, as_date: bool
):
    when = datetime.now(UTC) + timedelta(seconds=1800)
    receiver.reply(429, Retry_After=format_datetime(when, usegmt=True) if as_date else "1800")
    delivery = tell(make_channel())
    send_due()
    delivery.refresh_from_db()
    assert abs(delivery.next_at - when) < timedelta(seconds=60)


def test_what_is_queued_later_waits_with_its_channel(
    make_channel: MakeChannel, tell: Tell, receiver: Receiver
):
    channel, other = make_channel(), make_channel(name="other")
    receiver.reply(429, Retry_After="1800")
    first = tell(channel)
    send_due()
    receiver.reply(200)
    later = tell(channel, key="alert/2")
    elsewhere = tell(other)
    assert send_due() == 1
    assert list(Delivery.objects.filter(state="sent")) == [elsewhere]
    first.refresh_from_db()
    later = Delivery.objects.get(pk=later.pk)
    assert later.due_at == first.next_at > later.next_at
    Channel.objects.filter(pk=channel.pk).update(rests_until=timezone.now())
    assert send_due() == 1
    later.refresh_from_db()
    assert later.state == "sent"


@pytest.mark.parametrize(("status", "sent"), [(200, {"test/1", "alert/2"}), (503, set())])
def test_a_channel_that_rests_is_tested_and_goes_on_if_that_arrives(
    make_channel: MakeChannel, tell: Tell, receiver: Receiver, status: int, sent: set[str]
):
    channel = make_channel()
    receiver.reply(503)
    tell(channel)
    send_due()
    receiver.reply(status)
    tell(channel, key="alert/2")
    tell(channel, Event.TEST, key="test/1")
    send_due()
    done = Delivery.objects.filter(state="sent")
    assert set(done.values_list("message__key", flat=True)) == sent
    waiting = Delivery.objects.filter(state="pending")
    assert set(waiting.values_list("message__key", flat=True)) == {"alert/1", "alert/2"} - sent


@pytest.mark.parametrize(("event", "tries"), [(Event.TEST, 0), (Event.FIRING, MAX_TRIES - 1)])
def test_who_asks_for_a_pause_has_it_from_what_is_given_up_too(
    make_channel: MakeChannel, tell: Tell, receiver: Receiver, event: Event, tries: int
):
    channel = make_channel()
    receiver.reply(429, Retry_After="1800")
    delivery = tell(channel, event)
    Delivery.objects.update(tries=tries)
    asked_at = timezone.now()
    send_due()
    delivery.refresh_from_db()
    assert delivery.state == "failed"
    tell(channel, key="alert/2")
    assert send_due() == 0
    until = asked_at + timedelta(seconds=1800)
    assert Channel.objects.filter(rests_until__gte=until).exists()


@pytest.mark.parametrize("status", [301, 307, 400, 403, 404, 410])
def test_what_will_never_be_taken_is_given_up_at_once(
    make_channel: MakeChannel, tell: Tell, receiver: Receiver, status: int
):
    receiver.reply(status, Location=f"http://127.0.0.1:{receiver.port}/elsewhere")
    delivery = tell(make_channel())
    send_due()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries) == ("failed", 1)
    assert [request.path for request in receiver.asked] == ["/hook/s3cret"]
    assert "s3cret" not in delivery.error


def test_a_channel_that_fails_again_and_again_is_switched_off(
    make_channel: MakeChannel, tell: Tell, receiver: Receiver
):
    receiver.reply(410)
    channel = make_channel()
    for number in range(OFF_AFTER):
        tell(channel, key=f"alert/{number}")
        send_due()
    last = tell(channel, key="alert/9") if Channel.objects.get().is_on else None
    channel.refresh_from_db()
    assert last is None
    assert channel.off_because == "5 deliveries in a row were given up: 127.0.0.1 answers 410"
    event = AuditEvent.objects.get(action="channel.switched_off")
    assert (event.actor_type, event.target_id) == ("system", str(channel.public_id))


def test_a_delivery_that_arrives_starts_the_count_again(
    make_channel: MakeChannel, tell: Tell, receiver: Receiver
):
    channel = make_channel()
    for status in [410] * (OFF_AFTER - 1) + [200] + [410] * (OFF_AFTER - 1):
        receiver.reply(status)
        tell(channel)
        send_due()
    channel.refresh_from_db()
    assert (channel.is_on, channel.failures) == (True, OFF_AFTER - 1)


def test_what_waits_for_a_channel_that_is_off_is_dropped(
    make_channel: MakeChannel, tell: Tell, receiver: Receiver
):
    channel = make_channel()
    tell(channel)
    Channel.objects.update(is_on=False)
    assert send_due() == 0
    assert Delivery.objects.get().state == "dropped"
    assert not receiver.asked


def test_a_test_is_tried_once_and_counts_for_nothing(
    make_channel: MakeChannel, tell: Tell, receiver: Receiver
):
    receiver.reply(503)
    delivery = tell(make_channel(), Event.TEST)
    send_due()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries) == ("failed", 1)
    assert Channel.objects.get().failures == 0


def test_the_end_is_not_told_before_the_beginning(
    make_channel: MakeChannel, tell: Tell, receiver: Receiver
):
    channel = make_channel()
    receiver.reply(503)
    first = tell(channel, Event.FIRING)
    send_due()
    Channel.objects.update(rests_until=None)
    tell(channel, Event.RESOLVED)
    tell(channel, Event.FIRING, key="alert/2")
    receiver.reply(200)
    send_due()
    assert [request.document["data"]["key"] for request in receiver.taken] == ["alert/2"]
    Delivery.objects.filter(pk=first.pk).update(next_at=timezone.now())
    send_due()
    told = [request.document["data"] for request in receiver.taken]
    assert [(data["key"], data["event"]) for data in told[1:]] == [
        ("alert/1", "firing"),
        ("alert/1", "resolved"),
    ]


def test_one_channel_that_hangs_costs_the_others_one_try(
    make_channel: MakeChannel, tell: Tell, receiver: Receiver, monkeypatch: Any
):
    monkeypatch.setattr(outbound, "TOTAL_SECONDS", 0.4)

    def answer(request: Request) -> Reply:
        return receiver.hold(request) if "hangs" in request.path else Reply()

    receiver.answer = answer
    slow = make_channel(name="slow", url=f"http://127.0.0.1:{receiver.port}/hangs")
    quick = make_channel(name="quick")
    for number in range(3):
        tell(slow, key=f"alert/{number}")
        tell(quick, key=f"alert/{number}")
    assert send_due() == 4
    assert len(receiver.taken) == 3
    waiting = Delivery.objects.filter(channel=slow)
    assert sorted(waiting.values_list("tries", flat=True)) == [0, 0, 1]
    assert not waiting.due().exists(), "the others of a channel that fails wait with it"
    assert "127.0.0.1 does not answer in time" in set(waiting.values_list("error", flat=True))


def test_a_run_is_bounded(
    make_channel: MakeChannel, tell: Tell, receiver: Receiver, monkeypatch: Any
):
    monkeypatch.setattr(sending, "MOST_IN_A_RUN", 2)
    channel = make_channel()
    for number in range(3):
        tell(channel, key=f"alert/{number}")
    assert [send_due(), send_due(), send_due()] == [2, 1, 0]


def test_an_error_of_our_own_is_noted_without_its_text(project: Project):
    def broken(_: Delivery) -> Any:
        raise KeyError("hunter22")

    register("broken", broken)
    queue_mail(
        project=project, composer="broken", recipients=["a@example.com"], key="report/1", facts={}
    )
    assert send_due() == 1
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.error) == ("pending", "An error on our side: KeyError")


def test_the_cost_of_looking_is_that_of_few(
    make_channel: MakeChannel, tell: Tell, django_assert_max_num_queries: Any
):
    channel = make_channel()
    for number in range(3):
        tell(channel, key=f"alert/{number}")
    with django_assert_max_num_queries(3 * 12 + 4):
        assert send_due() == 3
