"""Pages of channels: who may do what, what is shown once, and what is never shown."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Project, User
from audit.models import AuditEvent
from channels.models import Channel, Delivery
from channels.opening import opened
from channels.sending import send_due
from tests.channels.conftest import MakeChannel, Tell
from tests.channels.receiving import Receiver

pytestmark = pytest.mark.django_db
SETTINGS = "/projects/shop/settings/"


def everything_written() -> str:
    """All that the trail and the deliveries say."""
    return str(list(AuditEvent.objects.values())) + str(list(Delivery.objects.values()))


@pytest.fixture
def browser(client_of: Any, alice: User, project: Project) -> Client:
    return client_of(alice)


def test_a_webhook_is_made_and_its_secret_shown_once(browser: Client, receiver: Receiver):
    assert "No channels yet" in browser.get(f"{SETTINGS}channels/").content.decode()
    made = browser.post(f"{SETTINGS}channels/new/webhook/", {"name": "Builds", "url": receiver.url})
    channel = Channel.objects.get()
    secret = opened(channel).secret.get_secret_value()
    assert secret in made.content.decode()
    assert "no-store" in made["Cache-Control"]
    for page in ("channels/", f"channels/{channel.public_id}/"):
        shown = browser.get(SETTINGS + page).content.decode()
        assert "Builds" in shown
        assert secret not in shown
        assert "s3cret" not in shown
    event = AuditEvent.objects.get(action="channel.created")
    assert event.changes == {
        "name": "Builds",
        "kind": "webhook",
        "settings": {},
        "destination": "127.0.0.1",
    }
    assert secret not in everything_written()
    assert "s3cret" not in everything_written()


def test_a_test_is_sent_by_a_worker_and_its_page_says_what_came_of_it(
    browser: Client, make_channel: MakeChannel, receiver: Receiver
):
    channel = make_channel()
    asked = browser.post(f"{SETTINGS}channels/{channel.public_id}/test/", follow=True)
    assert "A worker is about to send it" in asked.content.decode()
    assert "every 1s" in asked.content.decode()
    assert send_due() == 1
    [request] = receiver.taken
    assert request.document["data"]["title"] == "Test of webhook"
    after = browser.get(Delivery.objects.get().get_absolute_url()).content.decode()
    assert "every 1s" not in after
    assert "Sent" in after
    assert AuditEvent.objects.filter(action="channel.tested").count() == 1


def test_a_failed_test_says_why_and_can_be_tried_again(
    browser: Client, make_channel: MakeChannel, receiver: Receiver
):
    receiver.reply(404)
    channel = make_channel()
    browser.post(f"{SETTINGS}channels/{channel.public_id}/test/")
    send_due()
    page = Delivery.objects.get().get_absolute_url()
    shown = browser.get(page).content.decode()
    assert "127.0.0.1 answers 404" in shown
    assert "Try again" in shown
    receiver.reply(200)
    browser.post(f"{page}retry/")
    send_due()
    assert Delivery.objects.get().state == "sent"
    again = browser.post(f"{page}retry/", follow=True).content.decode()
    assert "can be tried again" in again, "what was sent is not sent again"
    assert len(receiver.taken) == 1


def test_the_history_tells_errors_and_the_next_try(
    browser: Client, make_channel: MakeChannel, tell: Tell, receiver: Receiver
):
    receiver.reply(503)
    channel = make_channel()
    delivery = tell(channel)
    send_due()
    delivery.refresh_from_db()
    shown = browser.get(f"{SETTINGS}channels/{channel.public_id}/").content.decode()
    assert "127.0.0.1 answers 503" in shown
    assert delivery.next_at.strftime("%Y-%m-%dT%H:%M") in shown
    listed = browser.get(f"{SETTINGS}deliveries/?state=pending").content.decode()
    assert "api is slower" in listed
    assert "api is slower" not in browser.get(f"{SETTINGS}deliveries/?state=sent").content.decode()
    assert "To be sent" in browser.get(f"{SETTINGS}channels/").content.decode()


def test_settings_change_and_secrets_that_are_not_entered_stay(
    browser: Client, make_channel: MakeChannel, receiver: Receiver
):
    channel = make_channel()
    known = opened(channel)
    page = f"{SETTINGS}channels/{channel.public_id}/"
    assert browser.post(page, {"name": "Other", "url": ""}).status_code == 302
    channel.refresh_from_db()
    assert channel.name == "Other"
    assert opened(channel) == known
    other = f"http://127.0.0.1:{receiver.port}/other-s3cret"
    browser.post(page, {"name": "Other", "url": other})
    channel.refresh_from_db()
    assert opened(channel).url.get_secret_value() == other
    assert opened(channel).secret == known.secret
    changes = [event.changes for event in AuditEvent.objects.filter(action="channel.changed")]
    assert changes == [{"name": ["webhook", "Other"], "secrets": []}, {"secrets": ["url"]}]
    assert "s3cret" not in everything_written()


@pytest.mark.parametrize(
    ("kind", "values", "field", "fault"),
    [
        ("webhook", {"name": "x", "url": ""}, "url", "This is needed."),
        ("webhook", {"name": "x", "url": "https://10.0.0.1/"}, "url", "must not ask"),
        ("webhook", {"name": "", "url": "https://93.184.216.34/"}, "name", "required"),
        ("email", {"name": "x", "recipients": "nobody"}, "recipients", "not an e-mail address"),
        ("email", {"name": "x", "recipients": ""}, "recipients", "This is needed."),
    ],
)
def test_wrong_settings_make_nothing(
    browser: Client, kind: str, values: dict[str, str], field: str, fault: str
):
    answer = browser.post(f"{SETTINGS}channels/new/{kind}/", values)
    assert fault in str(answer.context["form"].errors[field])
    assert not Channel.objects.exists()


def test_a_name_means_one_channel(browser: Client, make_channel: MakeChannel):
    make_channel(name="Builds")
    form = {"name": "Builds", "recipients": "a@example.com"}
    answer = browser.post(f"{SETTINGS}channels/new/email/", form)
    assert "channel of this name" in answer.content.decode()
    assert Channel.objects.count() == 1


def test_off_and_on_again(
    browser: Client, make_channel: MakeChannel, tell: Tell, receiver: Receiver
):
    channel = make_channel()
    delivery = tell(channel)
    page = f"{SETTINGS}channels/{channel.public_id}/"
    browser.post(f"{page}switch/", {"on": "0"})
    delivery.refresh_from_db()
    assert delivery.state == "dropped"
    assert "alice switched it off" in browser.get(page).content.decode()
    refused = browser.post(f"{page}test/", follow=True).content.decode()
    assert "Switch it on first" in refused
    Channel.objects.update(failures=5)
    browser.post(f"{page}switch/", {"on": "1"})
    channel.refresh_from_db()
    assert (channel.is_on, channel.failures, channel.off_because) == (True, 0, "")
    actions = AuditEvent.objects.order_by("sequence").values_list("action", flat=True)
    assert list(actions)[-2:] == ["channel.switched_off", "channel.switched_on"]


def test_a_new_secret_is_shown_once(browser: Client, make_channel: MakeChannel):
    channel = make_channel()
    old = opened(channel).secret
    page = f"{SETTINGS}channels/{channel.public_id}/"
    shown = browser.post(f"{page}rotate/").content.decode()
    channel.refresh_from_db()
    known = opened(channel)
    assert known.secret.get_secret_value() in shown
    assert known.previous == old
    assert known.secret.get_secret_value() not in browser.get(page).content.decode()
    assert known.secret.get_secret_value() not in everything_written()
    mail = make_channel("email", recipients=["a@example.com"])
    refused = browser.post(f"{SETTINGS}channels/{mail.public_id}/rotate/", follow=True)
    assert "no secret that is made here" in refused.content.decode()


def test_a_channel_is_deleted_with_its_history(
    browser: Client, make_channel: MakeChannel, tell: Tell
):
    channel = make_channel()
    tell(channel)
    browser.post(f"{SETTINGS}channels/{channel.public_id}/delete/")
    assert not Channel.objects.exists()
    assert not Delivery.objects.exists()
    assert AuditEvent.objects.filter(action="channel.deleted").count() == 1


def test_viewers_look_and_strangers_do_not(
    make_channel: MakeChannel, tell: Tell, client_of: Any, bob: User, carol: User
):
    channel = make_channel()
    delivery = tell(channel)
    pages = [
        "channels/",
        f"channels/{channel.public_id}/",
        "deliveries/",
        f"deliveries/{delivery.public_id}/",
    ]
    for page in pages:
        assert client_of(bob).get(SETTINGS + page).status_code == 200
        assert client_of(carol).get(SETTINGS + page).status_code == 404
        assert Client().get(SETTINGS + page).status_code == 302
    assert "Send a test" not in client_of(bob).get(SETTINGS + pages[1]).content.decode()
    acts = ["test/", "switch/", "rotate/", "delete/", ""]
    addresses = [f"{SETTINGS}channels/{channel.public_id}/{act}" for act in acts]
    addresses += [
        f"{SETTINGS}channels/new/email/",
        f"{SETTINGS}deliveries/{delivery.public_id}/retry/",
    ]
    for address in addresses:
        assert client_of(bob).post(address).status_code == 404
        assert client_of(carol).post(address).status_code == 404
    elsewhere = f"/projects/elsewhere/settings/channels/{channel.public_id}/"
    assert client_of(carol).get(elsewhere).status_code == 404


def test_what_is_told_is_escaped(browser: Client, make_channel: MakeChannel, tell: Tell):
    delivery = tell(make_channel(), title="<script>alert(1)</script>")
    assert "<script>alert" not in browser.get(delivery.get_absolute_url()).content.decode()


def test_ten_times_as_many_cost_no_more_queries(
    browser: Client, make_channel: MakeChannel, tell: Tell
):
    channel = make_channel()
    tell(channel)
    names = ("channels", "deliveries", f"channels/{channel.public_id}")

    def queries() -> list[int]:
        found = []
        for name in names:
            with CaptureQueriesContext(connection) as counted:
                assert browser.get(f"{SETTINGS}{name}/").status_code == 200
            found.append(len(counted))
        return found

    few = queries()
    for number in range(10):
        tell(make_channel(name=f"more {number}"), key=f"alert/{number}")
        tell(channel, key=f"alert/{number}")
    assert queries() == few
