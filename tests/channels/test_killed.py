"""Workers that are killed, and workers that meet: nothing is lost and nothing arrives twice."""

import os
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection

from channels.models import Delivery
from channels.sending import send_due
from tests.channels.conftest import LOOPBACK, MakeChannel, Tell
from tests.channels.receiving import Receiver, Reply, Request
from tests.conftest import ROOT
from tests.farm.test_notices import Inbox, inbox  # noqa: F401  # a fixture

pytestmark = pytest.mark.django_db(transaction=True)

WORK = "import django; django.setup(); from channels.sending import send_due; send_due()"
PATIENCE_SECONDS = 60


def start_worker() -> "subprocess.Popen[bytes]":
    """Start a process that sends what is due in the test's database, and ends."""
    server = urlsplit(os.environ["DATABASE_URL"])
    mail = settings.MAILERS["default"]["OPTIONS"]
    environment = os.environ | {
        "DATABASE_URL": server._replace(path=f"/{connection.settings_dict['NAME']}").geturl(),
        "OUTBOUND_ALLOWED_NETWORKS": LOOPBACK,
        "PUBLIC_URL": settings.PUBLIC_URL,
        "EMAIL_URL": f"smtp://{mail['host']}:{mail['port']}",
        "LOG_LEVEL": "ERROR",
    }
    return subprocess.Popen([sys.executable, "-c", WORK], cwd=ROOT, env=environment)


def test_a_worker_that_is_killed_loses_nothing_and_repeats_nothing(
    inbox: Inbox,  # noqa: F811
    make_channel: MakeChannel,
    tell: Tell,
    receiver: Receiver,
):
    hook, team = make_channel(), make_channel("email", recipients=["team@example.com"])
    for number in range(4):
        tell(hook, key=f"alert/{number}")
        tell(team, key=f"alert/{number}")
    receiver.answer = lambda request: Reply() if len(receiver.asked) < 3 else receiver.hold(request)
    with start_worker() as worker:
        assert receiver.held.wait(PATIENCE_SECONDS)
        worker.kill()
    assert len(receiver.taken) == 2
    sent = Delivery.objects.filter(state="sent")
    assert sent.filter(channel=hook).count() == 2
    assert sent.filter(channel=team).count() == len(inbox.messages) == 2
    assert set(Delivery.objects.exclude(state="sent").values_list("tries", flat=True)) == {0}

    receiver.reply(200)
    deadline = time.monotonic() + PATIENCE_SECONDS
    # The database may notice a moment later that the dead worker's connection has gone.
    while Delivery.objects.filter(state="pending").exists():
        assert time.monotonic() < deadline
        with start_worker() as another:
            assert another.wait(PATIENCE_SECONDS) == 0

    hooks = {f"msg_{each.hex}" for each in hook.deliveries.values_list("public_id", flat=True)}
    assert Counter(request.headers["Webhook-Id"] for request in receiver.taken) == Counter(hooks)
    mails = {
        f"<{each}@builds.example.com>"
        for each in team.deliveries.values_list("public_id", flat=True)
    }
    assert Counter(mail["Message-ID"] for _, mail in inbox.messages) == Counter(mails)


def test_workers_that_meet_send_each_once_and_in_order(
    make_channel: MakeChannel, tell: Tell, receiver: Receiver
):
    channels = [make_channel(name=f"hook {number}") for number in range(3)]
    for number in range(12):
        tell(channels[number % 3], title=str(number))

    def work(_: int) -> None:
        try:
            send_due()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    send_due()
    titles = [int(request.document["data"]["title"]) for request in receiver.taken]
    assert sorted(titles) == list(range(12))
    for way in range(3):
        assert [title for title in titles if title % 3 == way] == list(range(way, 12, 3))


def held_path(request: Request) -> bool:
    """Tell whether a request is for the channel that hangs."""
    return request.path.endswith("hangs")


def test_a_worker_that_waits_for_one_channel_does_not_keep_others_from_the_rest(
    make_channel: MakeChannel, tell: Tell, receiver: Receiver
):
    slow = make_channel(name="slow", url=f"http://127.0.0.1:{receiver.port}/hangs")
    quick = make_channel(name="quick")
    tell(slow)
    receiver.answer = lambda request: receiver.hold(request) if held_path(request) else Reply()

    def work() -> None:
        try:
            send_due()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(work)
        assert receiver.held.wait(PATIENCE_SECONDS)
        tell(slow, key="alert/2")
        tell(quick, key="alert/3")
        assert send_due() == 1
        assert [request.document["data"]["key"] for request in receiver.taken] == ["alert/3"]
        receiver.may_go_on.set()
        waiting.result()
