"""Mail about failed builds, to a real SMTP server on the loopback."""

from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.core import mail

from accounts.models import Membership, User
from buildinsights.mailing import mailers
from buildkit.failure_classes import FailureClass
from builds.models import Build
from farm.claims import claim
from farm.endings import finish
from farm.models import BuildRequest, FailureNotice
from farm.notices import FIRST_PAUSE, MAX_TRIES, send_pending
from farm.queueing import Wish
from farm.services import trigger
from tests.farm.conftest import MakeSource
from tests.system.conftest import free_port

pytestmark = pytest.mark.django_db


class Inbox:
    """Keeps what arrives; refuses it while ``is_full``."""

    def __init__(self) -> None:
        self.messages: list[tuple[list[str], EmailMessage]] = []
        self.is_full = False

    async def handle_DATA(  # noqa: N802  # the name that aiosmtpd looks for
        self, server: Any, session: Any, envelope: Any
    ) -> str:
        """Take a message, as aiosmtpd asks."""
        if self.is_full:
            return "452 Insufficient system storage"
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append((envelope.rcpt_tos, message))
        return "250 OK"


@pytest.fixture
def inbox(settings: Any) -> Iterator[Inbox]:
    """A mail server that settings name."""
    inbox = Inbox()
    port = free_port()
    controller = Controller(inbox, hostname="127.0.0.1", port=port)
    controller.start()
    settings.MAILERS = mailers(f"smtp://127.0.0.1:{port}")
    settings.MAIL_IS_SENT = True
    settings.PUBLIC_URL = "https://builds.example.com/"
    yield inbox
    controller.stop()


def fail(
    actor: User,
    make_source: MakeSource,
    why: FailureClass = FailureClass.COMMAND,
    status: Build.Status = Build.Status.FAILED,
    **fields: Any,
) -> BuildRequest:
    """Ask for a build, and end it as failed."""
    trigger(sources=[make_source(**fields)], wish=Wish(), actor=actor)
    request = claim("test:1")
    assert request is not None
    finish(request, status, why, "exit code: 1\npassword=hunter22")
    return request


def test_the_author_reads_what_failed_where_and_what_helps(
    inbox: Inbox, make_source: MakeSource, alice: User
):
    request = fail(alice, make_source)
    send_pending()
    [(recipients, message)] = inbox.messages
    assert recipients == ["alice@example.com"]
    assert message["Subject"] == "[Shop] api failed on main"
    text = message.get_content()
    assert f"https://builds.example.com{request.build.get_absolute_url()}" in text
    assert "    exit code: 1" in text
    assert "What helps:" in text
    assert "docker buildx build" in text
    assert "hunter22" not in text
    assert FailureNotice.objects.get().state == FailureNotice.State.SENT


def test_each_failure_is_told_once(inbox: Inbox, make_source: MakeSource, alice: User):
    request = fail(alice, make_source)
    finish(request, Build.Status.FAILED, FailureClass.COMMAND, "again")
    send_pending()
    send_pending()
    assert len(inbox.messages) == 1


def test_without_an_author_the_owners_and_then_the_administrators_are_told(
    inbox: Inbox, make_source: MakeSource, alice: User, bob: User
):
    Membership.objects.filter(user=bob).delete()
    fail(bob, make_source, name="api", owners=["team@example.com", "lead@example.com"])
    fail(bob, make_source, name="web")
    send_pending()
    assert [recipients for recipients, _ in inbox.messages] == [
        ["team@example.com", "lead@example.com"],
        ["alice@example.com"],
    ]


def test_nobody_is_told_of_cancels_or_of_failures_that_are_tried_again(
    inbox: Inbox, make_source: MakeSource, alice: User
):
    fail(alice, make_source, FailureClass.CANCELED, Build.Status.CANCELED, name="api")
    fail(alice, make_source, FailureClass.NETWORK, name="web", retries=1)
    send_pending()
    assert not inbox.messages
    BuildRequest.objects.update(not_before=None)
    last = claim("test:1")
    assert last is not None
    assert last.attempt == 2
    finish(last, Build.Status.FAILED, FailureClass.NETWORK, "connection reset by peer")
    send_pending()
    [(recipients, message)] = inbox.messages
    assert recipients == ["alice@example.com"], "a retry has the author of the first attempt"
    assert "attempt 2" in message.get_content()


def test_what_the_server_refuses_is_tried_again_and_then_given_up(
    inbox: Inbox, make_source: MakeSource, alice: User
):
    inbox.is_full = True
    fail(alice, make_source)
    send_pending()
    notice = FailureNotice.objects.get()
    assert (notice.state, notice.tries) == ("pending", 1)
    assert notice.error == "The mail server refuses it: 452"
    assert notice.next_at - notice.created_at >= FIRST_PAUSE
    send_pending()
    assert FailureNotice.objects.get().tries == 1, "not before its time"
    inbox.is_full = False
    FailureNotice.objects.update(next_at=notice.created_at)
    send_pending()
    assert (FailureNotice.objects.get().state, len(inbox.messages)) == ("sent", 1)
    FailureNotice.objects.update(state="pending", tries=MAX_TRIES - 1)
    inbox.is_full = True
    send_pending()
    assert FailureNotice.objects.get().state == "failed"


def test_without_a_mail_server_nothing_is_noted(make_source: MakeSource, alice: User):
    fail(alice, make_source)
    assert not FailureNotice.objects.exists()
    assert not mail.outbox


@pytest.mark.parametrize(
    ("url", "host", "port", "tls", "ssl"),
    [
        ("smtp://mail.example.com:25", "mail.example.com", 25, False, False),
        ("smtp+tls://me:p%40ss@mail.example.com:587", "mail.example.com", 587, True, False),
        ("smtp+ssl://me:p%40ss@mail.example.com:465", "mail.example.com", 465, False, True),
    ],
)
def test_the_mail_server_is_one_address(url: str, host: str, port: int, tls: bool, ssl: bool):
    options = mailers(url)["default"]["OPTIONS"]
    assert (options["host"], options["port"]) == (host, port)
    assert (options["use_tls"], options["use_ssl"]) == (tls, ssl)
    assert options["password"] == ("p@ss" if tls or ssl else None)
