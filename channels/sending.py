"""Sending what is due: each delivery in a transaction of its own, until it is taken or given up.

A worker that is killed takes its transaction with it: what it had sent before is noted, and what it
had in hand is tried by another. Between the moment in which the other side takes a message and our
commit nobody can look; a message that is sent again from there has the same Message-ID or
Webhook-Id.
"""

import random
import time
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Min
from django.utils import timezone

from audit.chain import storable_text
from audit.services import SYSTEM, record
from channels.composing import compose
from channels.contract import DeliveryError, PermanentDeliveryError, Receipt
from channels.kinds.contract import NothingToTellError, Outgoing
from channels.mail import send_as
from channels.models import Channel, Delivery
from channels.opening import kind_of, opened

log = structlog.get_logger(__name__)

MAX_TRIES = 8
FIRST_PAUSE = timedelta(minutes=1)
"""After the first failed try; each later one waits twice as long, two hours in all."""
JITTER = 0.25
"""So that what failed together does not come back together."""
LONGEST_PAUSE = timedelta(hours=6)
"""However long the other side wants us to wait."""
OFF_AFTER = 5
"""Deliveries in a row that are given up switch a channel off."""
MOST_IN_A_RUN = 200
RUN_SECONDS = 60
"""A run ends after it, within the time limit of its task: the next one goes on."""


def send_due() -> int:
    """Send what is due, and return how many were tried.

    Channels take turns, one delivery each, and one that fails rests: whoever is slow costs others
    one try.
    """
    drop_unsendable()
    until, tried = time.monotonic() + RUN_SECONDS, 0
    resting: set[int | None] = set()
    while ways := [way for way in _ways_due() if way not in resting]:
        for way in ways:
            if tried >= MOST_IN_A_RUN or time.monotonic() >= until:
                return tried
            is_free, was_tried = _send_next(way)
            tried += was_tried
            if not is_free:
                resting.add(way)
    return tried


def drop_unsendable() -> None:
    """Give up what is to go through channels that are off."""
    waiting = Delivery.objects.filter(state=Delivery.State.PENDING, channel__is_on=False)
    waiting.update(state=Delivery.State.DROPPED, error="Its channel is off.")


def _ways_due() -> list[int | None]:
    """Return the channels, ``None`` for mail without one, of which something is due."""
    due = Delivery.objects.due().order_by().values_list("channel").annotate(since=Min("next_at"))
    return [way for way, _ in due.order_by("since")]


@transaction.atomic
def _send_next(way: int | None) -> tuple[bool, bool]:
    """Send the next delivery of a channel; tell whether it takes more, and whether one was tried.

    The channel is locked: what it is told comes one after the other, whatever the number of
    workers.
    """
    if way is not None and not _lock(way):
        return False, False
    due = Delivery.objects.due().filter(channel=way).in_order()
    delivery = due.select_for_update(of=("self",), skip_locked=True).first()
    if delivery is None:
        return False, False
    return _try(delivery), True


def _lock(way: int) -> bool:
    channels = Channel.objects.filter(pk=way, is_on=True)
    return channels.select_for_update(skip_locked=True, no_key=True).exists()


def _try(delivery: Delivery) -> bool:
    """Send one delivery and note what came of it; tell whether its channel takes more now."""
    delivery.tries += 1
    is_taken = False
    try:
        with transaction.atomic():
            receipt = _send(delivery)
    except NothingToTellError as reason:
        is_taken = True
        delivery.state, delivery.error = Delivery.State.DROPPED, _short(str(reason))
    except DeliveryError as error:
        _postpone(delivery, error)
        is_taken = delivery.is_taken_by_some
    except Exception as error:
        # Its text might hold a secret, as might what a traceback shows.
        log.error("delivery_broke", delivery=str(delivery.public_id), error=type(error).__name__)  # noqa: TRY400
        _postpone(delivery, DeliveryError(f"An error on our side: {type(error).__name__}"))
    else:
        is_taken = True
        _note_sent(delivery, receipt)
    delivery.save()
    log.info("delivery_tried", delivery=str(delivery.public_id), state=delivery.state)
    return is_taken


def _send(delivery: Delivery) -> Receipt:
    channel = delivery.channel
    if channel is None:
        return send_as(compose(delivery), delivery.public_id)
    if delivery.is_taken_by_some and Delivery.objects.overtaking(delivery).exists():
        raise NothingToTellError("Something later about the same thing was sent.")
    outgoing = Outgoing(
        id=delivery.public_id,
        channel_id=channel.public_id,
        project=str(channel.project),
        message=delivery.told,
        created_at=delivery.created_at,
        left=tuple(delivery.recipients),
    )
    return kind_of(channel).send(opened(channel), outgoing)


def _note_sent(delivery: Delivery, receipt: Receipt) -> None:
    delivery.state, delivery.sent_at = Delivery.State.SENT, timezone.now()
    # It is theirs: what the database cannot hold must not undo that it was sent.
    delivery.provider_id, delivery.error = storable_text(receipt.provider_id)[:300], ""
    if delivery.channel is not None:
        delivery.recipients = []
        _note_working(delivery.channel)


def _note_working(channel: Channel) -> None:
    if channel.failures or channel.rests_until:
        Channel.objects.filter(pk=channel.pk).update(failures=0, rests_until=None)


def _postpone(delivery: Delivery, error: DeliveryError) -> None:
    """Let a delivery be tried later, while its channel rests; or give it up.

    A channel through which some have it works: it neither rests nor fails for the others.
    """
    delivery.error = _short(str(error))
    if error.left and delivery.channel is not None:
        delivery.recipients = list(error.left)
        _note_working(delivery.channel)
    channel = None if delivery.is_taken_by_some else delivery.channel
    is_over = isinstance(error, PermanentDeliveryError) or delivery.tries >= MAX_TRIES
    if is_over or delivery.is_test:
        _give_up(delivery, channel, error.retry_after)
        return
    delivery.next_at = timezone.now() + pause_after(delivery.tries, error.retry_after)
    if channel is not None:
        _let_rest(channel, delivery.next_at)


def _give_up(delivery: Delivery, channel: Channel | None, asked: float | None) -> None:
    delivery.state = Delivery.State.FAILED
    if channel is not None and asked:
        _let_rest(channel, timezone.now() + pause_after(1, asked))
    if channel is not None and not delivery.is_test:
        _count_failure(channel, delivery.error)


def _let_rest(channel: Channel, until: datetime) -> None:
    """Let nothing go through a channel for a while, not even what is queued from now on."""
    Channel.objects.filter(pk=channel.pk).update(rests_until=until)


def pause_after(tries: int, asked: float | None = None) -> timedelta:
    """Return how long to wait after so many tries, at least what the other side asks for."""
    scattered = 1 + random.random() * JITTER  # noqa: S311
    own: timedelta = FIRST_PAUSE * 2 ** (tries - 1) * scattered
    return min(max(own, timedelta(seconds=asked or 0)), LONGEST_PAUSE)


def _count_failure(channel: Channel, error: str) -> None:
    """Note that a delivery was given up; after some in a row the channel is switched off."""
    channel.failures += 1
    channel.is_on = channel.failures < OFF_AFTER
    if not channel.is_on:
        channel.off_because = f"{channel.failures} deliveries in a row were given up: {error}"[:500]
        record(
            actor=SYSTEM,
            action="channel.switched_off",
            target=channel,
            project=channel.project,
            changes={"because": channel.off_because},
        )
    channel.save(update_fields=["failures", "is_on", "off_because"])
    drop_unsendable()


def _short(text: str) -> str:
    return text[:1000]
