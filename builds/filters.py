"""Filters that the API and the pages share."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import django_filters as filters
from django import forms
from django_filters.fields import IsoDateTimeField
from drf_spectacular.utils import extend_schema_field

from buildkit.failure_classes import MEANINGS, FailureClass
from builds.labels import BadLabelError, labels_of
from builds.models import Build, Service
from builds.querysets import BuildQuerySet, ServiceQuerySet


class MomentField(IsoDateTimeField):
    """A time in UTC: PostgreSQL refuses some of the offsets that ISO 8601 allows."""

    def clean(self, value: Any) -> datetime | None:
        """Return the time, or raise a ``ValidationError`` if no calendar has it in UTC."""
        moment: datetime | None = super().clean(value)
        try:
            return moment.astimezone(UTC) if moment else None
        except OverflowError as error:
            raise forms.ValidationError("This time is out of range.", code="invalid") from error


class MomentFilter(filters.IsoDateTimeFilter):
    """A filter by time."""

    field_class = MomentField

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, widget=forms.DateInput(attrs={"type": "date"}), **kwargs)


class BuildFilter(filters.FilterSet):
    """What a list of builds can be narrowed by."""

    service = filters.CharFilter(field_name="service__slug", label="Service")
    status = filters.MultipleChoiceFilter(choices=Build.Status.choices, label="Status")
    cache_state = filters.ChoiceFilter(
        choices=Build.CacheState.choices, label="Cache", empty_label="Any"
    )
    ref_name = filters.CharFilter(label="Branch or tag")
    revision = filters.CharFilter(lookup_expr="startswith", label="Commit")
    after = MomentFilter(field_name="listed_at", lookup_expr="gte", label="From")
    before = MomentFilter(field_name="listed_at", lookup_expr="lt", label="Before")
    target = filters.CharFilter(label="Target")
    variant = filters.CharFilter(label="Variant")
    environment = filters.CharFilter(label="Environment")
    platform = filters.CharFilter(method="on_platform", label="Platform")
    buildkit_ref = filters.CharFilter(label="BuildKit's reference")
    pipeline_run_id = filters.CharFilter(label="Pipeline run")
    failure_class = filters.ChoiceFilter(
        choices=[(item.value, MEANINGS[item].title) for item in FailureClass],
        label="Failure",
        empty_label="Any",
    )
    failure_fingerprint = filters.CharFilter(label="Failure fingerprint")

    class Meta:
        model = Build
        fields: list[str] = []

    def on_platform(self, builds: BuildQuerySet, name: str, value: str) -> BuildQuerySet:
        """Builds for that platform, alone or among others."""
        return builds.filter(platforms__contains=[value])


class LabelsChoice(forms.MultipleChoiceField):
    """Labels that are chosen; one that no service has may be asked for, too."""

    is_verbatim = True

    def valid_value(self, value: Any) -> bool:
        """Leave to ``clean`` what is a label."""
        return True

    def clean(self, value: Any) -> dict[str, str]:
        """Return the labels by key."""
        try:
            return labels_of(filter(None, super().clean(value)))
        except BadLabelError as error:
            # As a parameter: the text quotes what was sent, which may have a per cent sign.
            told = {"text": str(error)}
            raise forms.ValidationError("%(text)s", code=error.code, params=told) from error


@extend_schema_field(
    {"type": "string", "description": "`key=value`; services that have all that are named."}
)
class LabelFilter(filters.MultipleChoiceFilter):
    """Narrows services to those with all of the labels."""

    field_class = LabelsChoice

    def filter(self, qs: Any, value: Any) -> ServiceQuerySet:
        """Return the services that have them."""
        services: ServiceQuerySet = qs.labelled(value)
        return services


class ServiceFilter(filters.FilterSet):
    """What a list of services can be narrowed by."""

    label = LabelFilter(label="Label")

    class Meta:
        model = Service
        fields: list[str] = []

    def offer(self, labels: Iterable[str]) -> forms.Form:
        """Return the form with labels to choose from; what is asked for stays among them."""
        form: forms.Form = self.form
        asked = form["label"].value() or []
        choices: Any = form.fields["label"]
        choices.choices = [(label, label) for label in sorted({*labels, *asked})]
        return form
