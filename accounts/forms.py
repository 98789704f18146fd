"""Forms of the settings pages."""

from typing import Any

from django import forms
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role, Scope


class MemberForm(forms.Form):
    """Add somebody, or change a role."""

    username = forms.CharField(max_length=150)
    role = forms.ChoiceField(choices=Role.choices, initial=Role.VIEWER)

    def clean_username(self) -> str:
        """The person must have an account."""
        username: str = self.cleaned_data["username"].strip()
        if not User.objects.filter(username=username, is_active=True).exists():
            raise forms.ValidationError("There is no user of that name.", code="unknown_user")
        return username

    def user(self) -> User:
        """Return the person that was named."""
        return User.objects.get(username=self.cleaned_data["username"])


class TokenForm(forms.Form):
    """Create an API token."""

    name = forms.CharField(max_length=100, help_text="Where it is used, such as “GitHub Actions”.")
    scopes = forms.MultipleChoiceField(
        choices=Scope.choices,
        initial=[Scope.INGEST_WRITE, Scope.BUILDS_READ],
        widget=forms.CheckboxSelectMultiple,
    )
    expires_at = forms.DateTimeField(
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text="In UTC; empty means never.",
    )

    def clean_expires_at(self) -> Any:
        """A token that never worked is a mistake."""
        expires_at = self.cleaned_data["expires_at"]
        if expires_at and expires_at <= timezone.now():
            raise forms.ValidationError("This is in the past.", code="past")
        return expires_at
