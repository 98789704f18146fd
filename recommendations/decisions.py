"""What people decide about recommendations: to follow them, not to, or later."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.db import transaction
from django.utils import timezone

from audit.services import ActorLike, record
from recommendations.models import Recommendation

OPEN = "open"
"""What takes a decision back."""

State = Recommendation.State
CHOICES = (
    (State.ACCEPTED.value, "Accept: somebody is on it"),
    (State.SNOOZED.value, "Snooze: later"),
    (State.DISMISSED.value, "Dismiss: not here"),
)
LONGEST_SNOOZE = timedelta(days=366)

UNDECIDED = {
    "state": State.OPEN,
    "until": None,
    "reason": "",
    "decided_by": "",
    "decided_at": None,
}
"""The columns of a recommendation about which nobody has decided."""


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


@transaction.atomic
def decide(*, recommendation: Recommendation, values: dict[str, Any], actor: ActorLike) -> None:
    """Keep what a valid ``DecisionForm`` says in the place of what was decided before."""
    row = Recommendation.objects.select_for_update().get(pk=recommendation.pk)
    state, reason = values["state"], values["reason"]
    if state == OPEN and row.state == State.OPEN:
        return
    decided = UNDECIDED if state == OPEN else _decided(values, actor)
    for name, value in decided.items():
        setattr(row, name, value)
        setattr(recommendation, name, value)
    row.save(update_fields=list(decided))
    record(
        actor=actor,
        action="recommendation.reopened" if state == OPEN else f"recommendation.{state}",
        target=row,
        project=row.project,
        changes={
            "service": row.service.slug if row.service else "",
            "kind": row.kind,
            "digest": row.digest,
            "until": str(row.until or ""),
            "reason": reason,
        },
    )


def _decided(values: dict[str, Any], actor: ActorLike) -> dict[str, Any]:
    state = values["state"]
    return {
        "state": state,
        "until": values["until"] if state == State.SNOOZED else None,
        "reason": values["reason"],
        "decided_by": actor.actor_name,
        "decided_at": timezone.now(),
    }
