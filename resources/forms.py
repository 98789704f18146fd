"""What the pages of builders can be narrowed by."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from cache.forms import DAYS, DEFAULT_DAYS

HOURLY_DAYS = 7
"""Up to so many days there is a point for each hour, else for each day."""


class DaysForm(forms.Form):
    """Which days, of which today is the last, in UTC."""

    days = forms.TypedChoiceField(label="Period", choices=DAYS, coerce=int)

    def __init__(self, query: Mapping[str, Any]) -> None:
        super().__init__({"days": str(DEFAULT_DAYS), **query})

    @classmethod
    def lenient(cls, query: Mapping[str, Any]) -> "DaysForm":
        """Return the form of a page: what is not a choice is not applied."""
        form = cls(query)
        return form if form.is_valid() else cls.lenient({})

    @property
    def days_shown(self) -> int:
        """How many days; the form is valid."""
        return int(self.cleaned_data["days"])

    @property
    def is_hourly(self) -> bool:
        """Whether points are hours."""
        return self.days_shown <= HOURLY_DAYS

    @property
    def since(self) -> datetime:
        """The first moment of the first day."""
        midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight - timedelta(days=self.days_shown - 1)
