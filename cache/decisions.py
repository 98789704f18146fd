"""What people decide about layer advice: to follow it, not to, or later."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.db import transaction
from django.utils import timezone

from audit.services import ActorLike, record
from builds.models import Service
from cache.models import AdviceDecision, LayerAdvice

OPEN = "open"
"""What takes a decision back."""

State = AdviceDecision.State
CHOICES = (
    (State.ACCEPTED.value, "Accept: somebody is on it"),
    (State.SNOOZED.value, "Snooze: later"),
    (State.DISMISSED.value, "Dismiss: not here"),
)
LONGEST_SNOOZE = timedelta(days=366)


class DecisionForm(forms.Form):
    """A decision, by people and by machines alike."""

    state = forms.ChoiceField(label="Decision", choices=[*CHOICES, (OPEN, "Open again")])
    until = forms.DateField(
        required=False,
        label="Snooze until",
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    reason = forms.CharField(required=False, max_length=500, label="Reason")

    def clean(self) -> dict[str, Any]:
        """Refuse to dismiss without a reason, and to snooze without a day to come."""
        values = super().clean() or {}
        state = values.get("state")
        if state == State.DISMISSED and not values.get("reason"):
            self.add_error("reason", "Say why, for whoever asks in half a year.")
        if state == State.SNOOZED and "until" in values:
            self._check_day(values["until"])
        return values

    def _check_day(self, until: date | None) -> None:
        today = timezone.now().date()
        if until is None or not today < until <= today + LONGEST_SNOOZE:
            self.add_error("until", "Name a day to come, within a year.")


def given_advice(service: Service, digest: str) -> LayerAdvice | None:
    """Return what is given to a service by its digest."""
    advice = LayerAdvice.objects.filter(service=service, digest=digest).given().first()
    if advice is not None:
        advice.service = service
    return advice


def decisions_on(service: Service) -> dict[str, AdviceDecision]:
    """Return all decisions on a service's advice by its digest."""
    return {
        decision.digest: decision for decision in AdviceDecision.objects.filter(service=service)
    }


@transaction.atomic
def decide(*, advice: LayerAdvice, values: dict[str, Any], actor: ActorLike) -> None:
    """Keep what a valid ``DecisionForm`` says in the place of what was decided before."""
    state, reason = values["state"], values["reason"]
    key = {"service": advice.service, "digest": advice.digest}
    before = AdviceDecision.objects.select_for_update().filter(**key).first()
    if state == OPEN:
        if before is not None:
            _note(before, OPEN, reason, actor)
            before.delete()
        return
    decision, _ = AdviceDecision.objects.update_or_create(
        **key,
        defaults={
            "title": advice.title,
            "state": state,
            "until": values["until"] if state == State.SNOOZED else None,
            "reason": reason,
            "decided_by": actor.actor_name,
            "decided_at": timezone.now(),
        },
    )
    _note(decision, state, reason, actor)


def _note(decision: AdviceDecision, state: str, reason: str, actor: ActorLike) -> None:
    record(
        actor=actor,
        action="advice.reopened" if state == OPEN else f"advice.{state}",
        target=decision,
        project=decision.service.project,
        changes={
            "service": decision.service.slug,
            "digest": decision.digest,
            "until": str(decision.until or ""),
            "reason": reason,
        },
    )
