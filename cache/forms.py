"""What the cache's pages can be narrowed by."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.db import models
from django.utils import timezone

from accounts.models import Project
from builds.models import Service
from cache.periods import Period


class Dimension(models.TextChoices):
    """What hits and savings are told apart by."""

    SERVICE = "service", "Service"
    TARGET = "target", "Target"
    PLATFORMS = "platforms", "Platform"
    BRANCH_CLASS = "branch_class", "Branch class"
    BUILDER = "builder", "Builder"


DEFAULT_DAYS = 30
DAYS = ((7, "7 days"), (DEFAULT_DAYS, "30 days"), (90, "90 days"))


class ServiceForm(forms.Form):
    """Which service; what is not a choice is not applied."""

    service = forms.ChoiceField(required=False)

    def __init__(self, project: Project, query: Mapping[str, Any]) -> None:
        super().__init__({"days": str(DEFAULT_DAYS), **query})
        self.services = {
            service.slug: service for service in Service.objects.filter(project=project)
        }
        field: Any = self.fields["service"]
        field.choices = [("", "All"), *((s.slug, s.name) for s in self.services.values())]
        self.full_clean()

    @property
    def chosen_services(self) -> list[Service]:
        """The services that are shown."""
        slug = self.cleaned_data.get("service")
        return [self.services[slug]] if slug else list(self.services.values())


class PeriodForm(ServiceForm):
    """And which days."""

    days = forms.TypedChoiceField(required=False, label="Period", choices=DAYS, coerce=int)

    @property
    def period(self) -> Period:
        """The days that are shown, of which today is the last."""
        days = int(self.cleaned_data.get("days") or DEFAULT_DAYS)
        return Period(timezone.now().date(), days)


class WorthForm(PeriodForm):
    """And what the numbers are told apart by."""

    by = forms.ChoiceField(required=False, label="Told apart by", choices=Dimension.choices)

    @property
    def dimension(self) -> Dimension:
        """What the table has a row for."""
        return Dimension(self.cleaned_data.get("by") or Dimension.SERVICE)
