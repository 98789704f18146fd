"""A waiver as people and machines ask for it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from security.models import Finding, Waiver
from security.policy import policy_of


class WaiverForm(forms.Form):
    """What to ask for; ``until`` is the last day on which it holds, in UTC."""

    scope = forms.ChoiceField(label="Covers", choices=Waiver.Scope.choices)
    environment = forms.ChoiceField(required=False, label="Environment")
    kind = forms.ChoiceField(label="Because", choices=Waiver.Kind.choices)
    until = forms.DateField(
        label="Until", widget=forms.DateInput(attrs={"type": "date"}), help_text="The last day."
    )
    reason = forms.CharField(
        label="Reason", max_length=2000, widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, finding: Finding, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.finding = finding
        self.longest = policy_of(finding.project_id).waiver_days
        named = [name for name in finding.environments if name]
        self.fields["environment"].choices = [("", "All"), *((name, name) for name in named)]  # type: ignore[attr-defined]
        scopes = [
            choice
            for choice in Waiver.Scope.choices
            if finding.package or choice[0] != Waiver.Scope.PACKAGE
        ]
        self.fields["scope"].choices = scopes  # type: ignore[attr-defined]

    def clean_until(self) -> datetime:
        """Return the moment at which it expires: the end of the day."""
        day: date = self.cleaned_data["until"]
        today = timezone.now().date()
        if not today <= day <= today + timedelta(days=self.longest):
            raise forms.ValidationError(f"Name a day from today on, {self.longest} days at most.")
        return datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC)


def drafted(finding: Finding, scope: str, environment: str = "") -> Waiver:
    """Return a waiver of a scope around a finding, which is not kept yet."""
    is_one = scope == Waiver.Scope.FINDING
    return Waiver(
        project_id=finding.project_id,
        scope=scope,
        finding=finding if is_one else None,
        service=finding.service if is_one or scope == Waiver.Scope.SERVICE else None,
        package=finding.package if is_one or scope == Waiver.Scope.PACKAGE else "",
        name=finding.name,
        environment=environment,
    )
