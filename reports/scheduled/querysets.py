"""Reads of reports."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Case, Exists, F, OuterRef, Q, When
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Lower, Now

from accounts.models import Membership
from accounts.roles import Scope
from accounts.typing import Actor
from channels.models import Delivery

if TYPE_CHECKING:
    from reports.models import ReportRecipient, ReportRun, ReportSchedule


MAILBOX = Lower(Case(When(user=None, then=F("address")), default=F("user__email")))
"""Of a recipient: where it goes, however they are named."""


class ReportScheduleQuerySet(models.QuerySet["ReportSchedule"]):
    """Schedules of reports."""

    def visible_to(self, actor: Actor, scope: Scope = Scope.BUILDS_READ) -> Self:
        """Those of the projects in which ``actor`` holds ``scope``."""
        return self.filter(project__in=actor.project_ids_with(scope))

    def due(self, now: datetime) -> Self:
        """Those whose time has come, the one that waits longest first."""
        return self.filter(is_on=True, next_run_at__lte=now).order_by("next_run_at", "pk")


class ReportRecipientQuerySet(models.QuerySet["ReportRecipient"]):
    """Recipients."""

    def receiving(self) -> Self:
        """Those who get it now: subscribed and, unless they were typed, members who can be reached.

        Membership is asked for at each sending: who has left the project gets nothing more. Who has
        unsubscribed gets nothing either if the same mailbox is named in another way.
        """
        member = Membership.objects.filter(
            user=OuterRef("user"), project=OuterRef("schedule__project"), user__is_active=True
        )
        known = Q(user=None) | Q(Exists(member)) & ~Q(user__email="")
        left = self.model.objects.alias(mailbox=MAILBOX).filter(
            schedule=OuterRef("schedule"),
            unsubscribed_at__isnull=False,
            mailbox=OuterRef("mailbox"),
        )
        rows = self.alias(mailbox=MAILBOX).filter(known, ~Exists(left), unsubscribed_at=None)
        return rows.select_related("user")


class ReportRunQuerySet(models.QuerySet["ReportRun"]):
    """Reports that were made, or are to be made."""

    def visible_to(self, actor: Actor, scope: Scope = Scope.BUILDS_READ) -> Self:
        """Those of the projects in which ``actor`` holds ``scope``."""
        return self.filter(project__in=actor.project_ids_with(scope))

    def waiting(self, now: datetime) -> Self:
        """Those to be made now, the one that waits longest first."""
        return self.filter(state="pending", next_at__lte=now).order_by("next_at", "pk")

    def newest_first(self) -> Self:
        """The one due last first."""
        return self.order_by(F("due_at").desc(), "-pk")

    def without_data(self) -> Self:
        """Without what was sent, which lists do not show."""
        return self.defer("data")

    def expired(self, retention: timedelta) -> Self:
        """Those that ended before that; what is still to be sent to somebody stays."""
        unsent = Delivery.objects.annotate(run=KT("message__run")).filter(
            state="pending",
            project=OuterRef("project"),
            run=Cast(OuterRef("public_id"), models.TextField()),
        )
        ended = self.exclude(state="pending").filter(ended_at__lt=Now() - retention)
        return ended.filter(~Exists(unsent))
