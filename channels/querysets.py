"""Reads of channels and deliveries."""

from datetime import timedelta
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from accounts.roles import Scope
from accounts.typing import Actor
from channels.contract import Event

if TYPE_CHECKING:
    from channels.models import Channel, Delivery


class ChannelQuerySet(models.QuerySet["Channel"]):
    """Channels."""

    def visible_to(self, actor: Actor, scope: Scope = Scope.BUILDS_READ) -> Self:
        """Those of projects in which the actor holds ``scope``."""
        return self.filter(project__in=actor.project_ids_with(scope))

    def usable(self) -> Self:
        """Those that are on."""
        return self.filter(is_on=True)


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    """Deliveries."""

    def visible_to(self, actor: Actor, scope: Scope = Scope.BUILDS_READ) -> Self:
        """Those of projects in which the actor holds ``scope``.

        To whom reports go is for those to see who may send them, and for auditors.
        """
        senders = {*actor.project_ids_with(Scope.REPORTS_WRITE)}
        senders |= {*actor.project_ids_with(Scope.AUDIT_READ)}
        is_shown = Q(channel__isnull=False) | Q(project__in=senders)
        return self.filter(is_shown, project__in=actor.project_ids_with(scope))

    def told(self) -> Self:
        """Each with its channel and project."""
        return self.select_related("project", "channel")

    def due(self) -> Self:
        """What is to be tried now, the longest due first.

        Through a channel that rests only tests go: somebody waits for what comes of them.
        """
        may_go = (
            Q(channel__rests_until=None)
            | Q(channel__rests_until__lte=Now())
            | Q(message__event=Event.TEST)
        )
        due = self.filter(may_go, state="pending", next_at__lte=Now())
        return due.order_by("next_at", "pk")

    def in_order(self) -> Self:
        """Without those that an earlier one of their channel and key waits before.

        A pager that hears of the end before the beginning would ring for ever. Those who have an
        e-mail do not wait for one who does not take it.
        """
        same_people = Q(recipients=[]) | Q(recipients__overlap=OuterRef("recipients"))
        earlier = self.model.objects.filter(
            same_people,
            state="pending",
            channel=OuterRef("channel"),
            message__key=OuterRef("message__key"),
            pk__lt=OuterRef("pk"),
        )
        return self.filter(~Exists(earlier))

    def overtaking(self, delivery: "Delivery") -> Self:
        """Those by which who lacks this one was told something later about the same thing."""
        have_it = ~Q(recipients=[]) & ~Q(recipients__overlap=delivery.recipients)
        return self.filter(
            Q(state="sent") | have_it,
            channel__isnull=False,
            channel=delivery.channel_id,
            message__key=delivery.message.get("key"),
            pk__gt=delivery.pk,
        )

    def expired(self, retention: timedelta) -> Self:
        """What ended, and was last to be tried before that; what is to be sent stays."""
        return self.exclude(state="pending").filter(next_at__lt=Now() - retention)
