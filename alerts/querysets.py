"""Reads of rules, alerts and silences."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Count, Q
from django.db.models.functions import Now

from accounts.roles import Scope
from accounts.typing import Actor
from alerts.states import OPEN, State

if TYPE_CHECKING:
    from alerts.models import Alert, AlertEvent, AlertRule, Silence


class AlertRuleQuerySet(models.QuerySet["AlertRule"]):
    """Rules."""

    def visible_to(self, actor: Actor, scope: Scope = Scope.BUILDS_READ) -> Self:
        """Those of projects in which the actor holds ``scope``."""
        return self.filter(project__in=actor.project_ids_with(scope))

    def due(self, at: datetime) -> Self:
        """Those that are to be evaluated, the longest due first."""
        return self.filter(is_on=True, next_due_at__lte=at).order_by("next_due_at", "pk")

    def told(self) -> Self:
        """With all that a line about them needs."""
        return self.select_related("project").prefetch_related("services", "channels")

    def with_open(self) -> Self:
        """With ``open_alerts``, how many of theirs are firing or acknowledged."""
        known = Q(alerts__state__in=[State.FIRING, State.ACKNOWLEDGED])
        return self.annotate(open_alerts=Count("alerts", filter=known))


class AlertQuerySet(models.QuerySet["Alert"]):
    """Alerts."""

    def visible_to(self, actor: Actor, scope: Scope = Scope.BUILDS_READ) -> Self:
        """Those of projects in which the actor holds ``scope``."""
        return self.filter(project__in=actor.project_ids_with(scope))

    def open(self) -> Self:
        """Those that are not resolved."""
        return self.filter(state__in=OPEN)

    def fired(self) -> Self:
        """Those that held for as long as their rules want."""
        return self.filter(fired_at__isnull=False)

    def firing(self) -> Self:
        """Those of which nobody knows yet."""
        return self.filter(state=State.FIRING)

    def told(self) -> Self:
        """With all that a line about them needs."""
        return self.select_related("project", "rule", "owner", "silence")

    def with_members(self) -> Self:
        """With ``member_count``, and ``left_count`` of those that it holds for no more."""
        ended = Q(members__ended_at__isnull=False)
        return self.annotate(
            member_count=Count("members"), left_count=Count("members", filter=ended)
        )


class AlertEventQuerySet(models.QuerySet["AlertEvent"]):
    """What happened to alerts."""

    def expired(self, retention: timedelta) -> Self:
        """What rules noted about alerts that were resolved before that.

        What people did and wrote stays: similar alerts later on show it.
        """
        return self.filter(
            actor="", alert__state=State.RESOLVED, alert__resolved_at__lt=Now() - retention
        )


class SilenceQuerySet(models.QuerySet["Silence"]):
    """Silences."""

    def visible_to(self, actor: Actor, scope: Scope = Scope.BUILDS_READ) -> Self:
        """Those of projects in which the actor holds ``scope``."""
        return self.filter(project__in=actor.project_ids_with(scope))

    def active(self, at: datetime) -> Self:
        """Those that hold."""
        return self.filter(starts_at__lte=at, ends_at__gt=at)

    def told(self) -> Self:
        """With all that a line about them needs."""
        return self.select_related("project", "rule", "service")
