"""What a project says of its bases, and whether they keep it."""

from datetime import date, datetime, timedelta
from typing import Any

from django import forms

from bases.models import BaseImage, BasePolicy

LONGEST_TEXT = 20_000


class PolicyForm(forms.ModelForm):  # type: ignore[type-arg]
    """A version of a policy, by people and by machines alike."""

    text = forms.CharField(
        required=False,
        max_length=LONGEST_TEXT,
        label="Why",
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text="Markdown. What it is used for, and what is to be looked at before a change.",
    )
    owner = forms.CharField(required=False, max_length=200, label="Owner")
    allowed_until = forms.DateField(
        required=False,
        label="Allowed until",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Empty: without an end.",
    )
    update_days = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=3650,
        label="Update rhythm, days",
        help_text="How old a base of this repository may be.",
    )

    class Meta:
        model = BasePolicy
        fields = ("owner", "allowed_until", "update_days", "text")

    def clean(self) -> dict[str, Any]:
        """Refuse a policy that says nothing."""
        values = super().clean() or {}
        if not any(values.values()) and not self.errors:
            raise forms.ValidationError("Say at least one thing.")
        return values


def breaches_of(image: BaseImage, policy: BasePolicy | None, now: datetime) -> list[str]:
    """Return what of a policy a base does not keep, in words."""
    if policy is None:
        return []
    found = []
    if policy.allowed_until and policy.allowed_until < now.date():
        found.append(f"It was allowed until {_day(policy.allowed_until)}.")
    if policy.update_days and image.created_at:
        age = now - image.created_at
        if age > timedelta(days=policy.update_days):
            found.append(f"It is {age.days} days old; {policy.update_days} are allowed.")
    return found


def _day(day: date) -> str:
    return f"{day:%-d %B %Y}"
