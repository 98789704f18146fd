"""E-mail to a real SMTP server on the loopback."""

from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives
from pydantic import ValidationError

from accounts.models import Project
from channels.composing import register
from channels.contract import Event, Fact
from channels.kinds.email import EmailSettings
from channels.models import Channel, Delivery
from channels.sending import send_due
from channels.services import queue_mail
from tests.channels.conftest import MakeChannel, Tell
from tests.channels.test_sending import make_due
from tests.farm.test_notices import Inbox, inbox  # noqa: F401  # a fixture

pytestmark = pytest.mark.django_db
TEAM = ["team@example.com", "lead@example.com"]


def test_an_alert_is_text_and_html_and_names_itself(
    inbox: Inbox,  # noqa: F811
    make_channel: MakeChannel,
    tell: Tell,
):
    delivery = tell(make_channel("email", recipients=TEAM))
    send_due()
    [(recipients, mail)] = inbox.messages
    assert recipients == TEAM
    assert mail["Subject"] == "[Shop] Firing: api is slower"
    assert mail["Message-ID"] == f"<{delivery.public_id}@builds.example.com>"
    assert mail["Auto-Submitted"] == "auto-generated"
    text = mail.get_body(("plain",)).get_content().replace("\r\n", "\n")
    assert "It takes 95 s, 60 s before." in text
    assert "Step: RUN npm ci <fast> & *bold*\n" in text
    assert "https://builds.example.com/projects/shop/services/api/\n" in text
    html = mail.get_body(("html",)).get_content()
    assert "RUN npm ci &lt;fast&gt; &amp; *bold*" in html
    assert 'href="https://builds.example.com/projects/shop/builds/1/"' in html
    delivery.refresh_from_db()
    assert (delivery.state, delivery.provider_id) == ("sent", mail["Message-ID"])


def test_messages_of_one_key_are_one_thread(
    inbox: Inbox,  # noqa: F811
    make_channel: MakeChannel,
    tell: Tell,
):
    channel = make_channel("email", recipients=TEAM)
    tell(channel, Event.FIRING)
    tell(channel, Event.RESOLVED)
    tell(channel, Event.FIRING, key="alert/2")
    send_due()
    threads = {mail["Subject"]: mail["References"] for _, mail in inbox.messages}
    assert len(inbox.messages) == 3
    assert all(mail["In-Reply-To"] == mail["References"] for _, mail in inbox.messages)
    assert len(set(threads.values())) == 2
    assert len({mail["Message-ID"] for _, mail in inbox.messages}) == 3


def test_a_value_cannot_add_lines(
    inbox: Inbox,  # noqa: F811
    make_channel: MakeChannel,
    tell: Tell,
):
    value = "fix\n\nhttps://evil.example\u2028-- \nSent by buildinsights"
    tell(make_channel("email", recipients=TEAM), facts=(Fact("Commit", value),))
    send_due()
    [(_, mail)] = inbox.messages
    text = mail.get_body(("plain",)).get_content()
    assert "Commit: fix https://evil.example -- Sent by buildinsights" in text.splitlines()


def test_a_title_cannot_add_headers(
    inbox: Inbox,  # noqa: F811
    make_channel: MakeChannel,
    tell: Tell,
):
    tell(make_channel("email", recipients=TEAM), title="x\r\nBcc: eve@example.com" + "y" * 300)
    send_due()
    [(recipients, mail)] = inbox.messages
    assert recipients == TEAM
    assert mail["Bcc"] is None
    assert mail["Subject"].startswith("[Shop] Firing: x Bcc: eve@example.com")
    assert len(mail["Subject"]) <= 200


def test_neither_can_the_name_of_a_project(
    project: Project,
    inbox: Inbox,  # noqa: F811
    make_channel: MakeChannel,
    tell: Tell,
):
    Project.objects.update(name="Shop\nBcc: eve@example.com")
    delivery = tell(make_channel("email", recipients=TEAM))
    send_due()
    delivery.refresh_from_db()
    assert delivery.state == "sent", delivery.error
    [(_, mail)] = inbox.messages
    assert mail["Bcc"] is None
    assert mail["Subject"] == "[Shop Bcc: eve@example.com] Firing: api is slower"


def test_a_second_try_has_the_same_message_id(
    inbox: Inbox,  # noqa: F811
    make_channel: MakeChannel,
    tell: Tell,
):
    inbox.is_full = True
    delivery = tell(make_channel("email", recipients=TEAM))
    send_due()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries) == ("pending", 1)
    assert delivery.error == "The mail server refuses it: 452"
    inbox.is_full = False
    make_due()
    send_due()
    assert [mail["Message-ID"] for _, mail in inbox.messages] == [
        f"<{delivery.public_id}@builds.example.com>"
    ]


def test_what_the_mail_server_refuses_for_good_is_given_up(
    inbox: Inbox,  # noqa: F811
    make_channel: MakeChannel,
    tell: Tell,
    monkeypatch: Any,
):
    async def refuse(*_: Any) -> str:
        return "550 No such user here"

    monkeypatch.setattr(Inbox, "handle_RCPT", refuse, raising=False)
    tell(make_channel("email", recipients=TEAM))
    send_due()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.error) == ("failed", "The mail server refuses it: 550")
    assert Channel.objects.get().failures == 1


def test_without_a_mail_server_it_waits(make_channel: MakeChannel, tell: Tell):
    tell(make_channel("email", recipients=TEAM))
    send_due()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.error) == (
        "pending",
        "This server sends no e-mail: EMAIL_URL is not set.",
    )


def test_a_report_is_written_by_its_composer(
    inbox: Inbox,  # noqa: F811
    project: Project,
):
    def written(delivery: Delivery) -> EmailMultiAlternatives:
        facts = delivery.message
        return EmailMultiAlternatives(facts["about"], "Body", to=delivery.recipients)

    register("weekly", written)
    asked: dict[str, Any] = {
        "project": project,
        "composer": "weekly",
        "recipients": TEAM,
        "key": "report/1",
        "facts": {"about": "Week 48"},
    }
    assert queue_mail(**asked) == 2
    assert queue_mail(**asked) == 0
    assert send_due() == 2
    assert sorted(recipients for recipients, _ in inbox.messages) == [[TEAM[1]], [TEAM[0]]]
    ids = {mail["Message-ID"] for _, mail in inbox.messages}
    assert ids == set(Delivery.objects.values_list("provider_id", flat=True))


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ("", "at least 1"),
        ("nobody", "“nobody” is not an e-mail address."),
        (",".join(f"a{number}@example.com" for number in range(51)), "at most 50"),
    ],
)
def test_recipients_are_checked(written: str, fault: str):
    with pytest.raises(ValidationError, match=fault):
        EmailSettings(recipients=written)
    known = EmailSettings(recipients="a@example.com, b@example.com\na@example.com")
    assert known.recipients == ["a@example.com", "b@example.com"]
