"""Events to a pager."""

import pytest

from channels.contract import Event, Severity
from channels.entering import entered
from channels.exceptions import SettingsError
from channels.kinds.pagerduty import dedup_key
from channels.models import Channel, Delivery
from channels.opening import opened
from channels.sending import send_due
from tests.channels.conftest import MakeChannel, Tell
from tests.channels.receiving import Receiver, Reply, Request

pytestmark = pytest.mark.django_db
SITE = "https://builds.example.com/projects/shop"


@pytest.fixture
def pager(make_channel: MakeChannel, receiver: Receiver) -> Channel:
    receiver.reply(202, b'{"status": "success", "dedup_key": "alert/1"}')
    return make_channel("pagerduty", url=receiver.url, routing_key="R0UT1NG")


def test_an_alert_rings_is_acknowledged_and_ends(pager: Channel, tell: Tell, receiver: Receiver):
    for event in (Event.FIRING, Event.ACKNOWLEDGED, Event.RESOLVED):
        tell(pager, event)
    assert send_due() == 3
    first, second, third = (request.document for request in receiver.taken)
    assert first == {
        "routing_key": "R0UT1NG",
        "event_action": "trigger",
        "dedup_key": "alert/1",
        "payload": {
            "summary": "api is slower",
            "source": "builds.example.com",
            "severity": "error",
            "group": "Shop",
            "custom_details": {
                "summary": "It takes 95 s, 60 s before.",
                "Step": "RUN npm ci <fast> & *bold*",
                "Since": "29 Nov",
            },
        },
        "client": "buildinsights",
        "client_url": f"{SITE}/services/api/",
        "links": [{"href": f"{SITE}/builds/1/", "text": "RUN npm ci <fast> & *bold*"}],
    }
    own = {"routing_key": "R0UT1NG", "dedup_key": "alert/1"}
    assert second == own | {"event_action": "acknowledge"}
    assert third == own | {"event_action": "resolve"}
    assert set(Delivery.objects.values_list("provider_id", flat=True)) == {"alert/1"}


@pytest.mark.parametrize(
    ("severity", "expected"),
    [
        (Severity.CRITICAL, "critical"),
        (Severity.HIGH, "error"),
        (Severity.MEDIUM, "warning"),
        (Severity.LOW, "info"),
        (Severity.INFO, "info"),
    ],
)
def test_severities_have_the_words_of_the_pager(
    pager: Channel, tell: Tell, receiver: Receiver, severity: Severity, expected: str
):
    tell(pager, severity=severity)
    send_due()
    assert receiver.taken[0].document["payload"]["severity"] == expected


def test_a_test_rings_and_ends(pager: Channel, tell: Tell, receiver: Receiver):
    tell(pager, Event.TEST)
    send_due()
    actions = [request.document["event_action"] for request in receiver.taken]
    assert actions == ["trigger", "resolve"]
    assert len({request.document["dedup_key"] for request in receiver.taken}) == 1


@pytest.mark.parametrize(
    ("refusals", "state", "error"),
    [
        (1, "sent", ""),
        (
            2,
            "failed",
            "The test rings and could not be ended, resolve it there: 127.0.0.1 answers 503",
        ),
    ],
)
def test_the_end_of_a_test_is_told_in_two_tries(
    pager: Channel, tell: Tell, receiver: Receiver, refusals: int, state: str, error: str
):
    def answer(request: Request) -> Reply:
        is_refused = request.document["event_action"] == "resolve" and len(receiver.asked) <= (
            1 + refusals
        )
        return Reply(503 if is_refused else 202)

    receiver.answer = answer
    tell(pager, Event.TEST)
    send_due()
    actions = [request.document["event_action"] for request in receiver.asked]
    assert actions == ["trigger", "resolve", "resolve"]
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.error) == (state, error)


def test_reports_are_not_for_a_pager(pager: Channel, tell: Tell, receiver: Receiver):
    delivery = tell(pager, Event.REPORT)
    send_due()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.error) == ("dropped", "A pager is told of alerts alone.")
    assert not receiver.asked


def test_long_keys_have_a_digest():
    assert dedup_key("k" * 255) == "k" * 255
    assert len(dedup_key("k" * 256)) == 64
    assert dedup_key("k" * 256) != dedup_key("k" * 257)


def test_a_key_does_not_go_to_another_address(pager: Channel, receiver: Receiver):
    elsewhere = f"http://127.0.0.1:{receiver.port}/elsewhere"
    with pytest.raises(SettingsError) as refused:
        entered("pagerduty", {"url": elsewhere}, pager)
    assert refused.value.errors == {"routing_key": ["This is needed."]}
    same = entered("pagerduty", {"url": receiver.url}, pager)
    assert same == opened(pager)
