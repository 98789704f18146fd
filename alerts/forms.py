"""Rules and silences as people and machines write them."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django import forms
from django.forms.fields import InvalidJSONInput
from django.utils import timezone
from django.utils.html import format_html

from accounts.models import Project
from alerts.models import AlertRule
from alerts.models.rule import SEVERITIES, Kind
from alerts.reading import BadParametersError
from alerts.rules import Draft
from audit.chain import storable
from buildinsights.quantities import DurationField
from builds.branches import BranchClass
from builds.forms import LabelsField
from builds.labels import HELP, written
from builds.models import Service
from channels.models import Channel

MOST_NAMES = 50
MOST_CHARACTERS = 5000
LONGEST_SILENCE = timedelta(days=90)
ZONE = "In <span data-zone>{}</span>"
"""Where times are entered; a browser puts its own zone there."""

OWN = frozenset({"services", "channels", "version"})
"""What a form says besides the columns of a rule."""


class NamesField(forms.CharField):
    """Names by commas, each once."""

    def __init__(self, longest: int, **kwargs: Any) -> None:
        super().__init__(required=False, max_length=2000, **kwargs)
        self.longest = longest

    def clean(self, value: Any) -> Any:
        """Return a list of names."""
        names = [name.strip() for name in super().clean(value).split(",")]
        found = list(dict.fromkeys(filter(None, names)))
        if len(found) > MOST_NAMES or any(len(name) > self.longest for name in found):
            raise forms.ValidationError(
                f"{MOST_NAMES} names at most, of {self.longest} characters each."
            )
        return found

    def prepare_value(self, value: Any) -> Any:
        """Show a list with commas."""
        return ", ".join(value) if isinstance(value, list) else value


class ParametersField(forms.JSONField):
    """A JSON object that can be read and stored; an empty text has nothing in it."""

    def clean(self, value: Any) -> Any:
        """Return it as it will be read again."""
        try:
            said = super().clean(value)
            is_fine = said is None or (isinstance(said, dict) and _can_be_stored(said))
        except RecursionError:
            is_fine = False
        if not is_fine:
            raise forms.ValidationError("Write a JSON object, such as {}.")
        return said or {}

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Show again what was typed, also if it is nested too deeply to be read."""
        try:
            return super().bound_data(data, initial)
        except RecursionError:
            return InvalidJSONInput(data)


def _can_be_stored(said: dict[str, Any]) -> bool:
    """Tell whether it is short, and has no NUL, half a sign or endless number in it."""
    return len(json.dumps(said)) <= MOST_CHARACTERS and storable(said) == said


class SecondsField(DurationField):
    """A duration of whole seconds."""

    def clean(self, value: Any) -> Any:
        """Return the seconds."""
        seconds = super().clean(value)
        if isinstance(seconds, float):
            raise forms.ValidationError("Whole seconds.")
        return seconds


class RuleForm(forms.Form):
    """A rule of any kind, as machines write it; what its kind knows besides is an object."""

    name = forms.CharField(max_length=100)
    kind = forms.ChoiceField(choices=Kind)
    parameters = ParametersField(required=False)
    severity = forms.ChoiceField(choices=SEVERITIES, initial="medium")
    services = forms.ModelMultipleChoiceField(
        Service.objects.none(),
        required=False,
        to_field_name="slug",
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen: all of them.",
    )
    labels = LabelsField(help_text=f"{HELP} Services that have all of them, those to come, too.")
    branch_classes = forms.MultipleChoiceField(
        choices=BranchClass,
        required=False,
        label="Branches",
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen: all of them.",
    )
    environments = NamesField(60, help_text="Separated by commas. Empty: all of them.")
    targets = NamesField(200, help_text="Separated by commas. Empty: all of them.")
    channels = forms.ModelMultipleChoiceField(
        Channel.objects.none(),
        required=False,
        to_field_name="public_id",
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen: alerts are shown here, and nobody is told.",
    )
    for_seconds = SecondsField(
        label="Fires after",
        initial=0,
        least=0,
        most=30 * 86400,
        help_text="How long it must last first: 0, 15 min, 2 h.",
    )
    settle_seconds = SecondsField(
        label="Resolved after",
        initial=900,
        least=0,
        most=7 * 86400,
        help_text="How long it must be gone. If it comes back sooner, it is the same alert.",
    )
    least_samples = forms.IntegerField(
        label="Builds needed",
        initial=1,
        min_value=1,
        max_value=10_000,
        help_text="With fewer nothing is said, neither good nor bad.",
    )
    every_seconds = SecondsField(
        label="Evaluated every", initial=300, least=30, most=7 * 86400, help_text="30 s to 7 d."
    )
    is_on = forms.BooleanField(required=False, initial=True, label="On")
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        services: Any = self.fields["services"]
        services.queryset = Service.objects.filter(project=project)
        channels: Any = self.fields["channels"]
        channels.queryset = Channel.objects.filter(project=project)

    def clean(self) -> dict[str, Any]:
        """Read it as a rule of its kind."""
        said = super().clean() or {}
        if self.errors:
            return said
        services = list(said.get("services", ()))
        try:
            draft = Draft(self.values_of(said), services, list(said["channels"]))
            draft.wanted()
        except BadParametersError as error:
            self.refuse(error)
        else:
            said["draft"] = draft
        return said

    def values_of(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """Return the columns of the rule.

        Raises:
            BadParametersError: what is said of its parameters is none.
        """
        values = {name: value for name, value in said.items() if name not in OWN}
        return values | {"labels": written(said.get("labels", {}))}

    def refuse(self, error: BadParametersError) -> None:
        """Tell what is wrong with the parameters."""
        self.add_error("parameters", str(error))

    @property
    def draft(self) -> Draft:
        """The rule of a valid form."""
        draft: Draft = self.cleaned_data["draft"]
        return draft


def initial_of(rule: AlertRule) -> dict[str, Any]:
    """Return a rule as the form shows it."""
    plain = (
        "name",
        "kind",
        "parameters",
        "severity",
        "labels",
        "branch_classes",
        "environments",
        "targets",
        "for_seconds",
        "settle_seconds",
        "least_samples",
        "every_seconds",
        "is_on",
        "version",
    )
    return {name: getattr(rule, name) for name in plain} | {
        "services": [service.slug for service in rule.services.all()],
        "channels": [channel.public_id for channel in rule.channels.all()],
    }


class SilenceForm(forms.Form):
    """What is not to be told, until when and why; times are of the zone that is said with them."""

    rule = forms.ModelChoiceField(
        AlertRule.objects.none(), required=False, to_field_name="public_id", empty_label="Any"
    )
    service = forms.ModelChoiceField(
        Service.objects.none(), required=False, to_field_name="slug", empty_label="Any"
    )
    labels = LabelsField(help_text=f"{HELP} All services of an alert must have all of them.")
    starts_at = forms.DateTimeField(
        required=False,
        label="From",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text=format_html(ZONE + "; empty: now.", "UTC"),
    )
    lasts = DurationField(
        required=False,
        label="For",
        most=LONGEST_SILENCE.total_seconds(),
        help_text="30 min, 2 h, 3 d. Or say until when.",
    )
    ends_at = forms.DateTimeField(
        required=False,
        label="Until",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text=format_html(ZONE + "; {} days at most.", "UTC", LONGEST_SILENCE.days),
    )
    reason = forms.CharField(max_length=500, help_text="For whoever wonders why nobody was told.")
    time_zone = forms.CharField(
        required=False, max_length=100, widget=forms.HiddenInput(attrs={"data-zone": ""})
    )

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rules: Any = self.fields["rule"]
        rules.queryset = AlertRule.objects.filter(project=project)
        services: Any = self.fields["service"]
        services.queryset = Service.objects.filter(project=project)

    @property
    def parts(self) -> list[tuple[str, list[Any]]]:
        """The fields, with headings."""
        named = (
            ("Of what, and why", ("rule", "service", "labels", "reason")),
            ("How long", ("starts_at", "lasts", "ends_at")),
        )
        return [(title, [self[name] for name in names]) for title, names in named]

    def full_clean(self) -> None:
        """Read times as those of the person's zone."""
        try:
            zone = ZoneInfo(str(self.data.get("time_zone") or "UTC"))
        except (ValueError, OSError, ZoneInfoNotFoundError):
            zone = ZoneInfo("UTC")
        with timezone.override(zone):
            super().full_clean()

    def clean(self) -> dict[str, Any]:
        """It ends after it begins, and after now."""
        said = super().clean() or {}
        lasts, name = said.pop("lasts", None), said.pop("time_zone", "")
        if name and timezone.get_current_timezone_name() != name:
            self.add_error(None, f"The server does not know the time zone “{name}”.")
        if self.errors:
            return said
        if (lasts is None) is (said["ends_at"] is None):
            self.add_error("lasts", "Say either for how long, or until when.")
            return said
        now: datetime = timezone.now()
        field = "ends_at" if lasts is None else "lasts"
        try:
            said["starts_at"] = (said["starts_at"] or now).astimezone(UTC)
            ends_at = said["ends_at"] or said["starts_at"] + timedelta(seconds=lasts)
            said["ends_at"] = ends_at.astimezone(UTC)
        except OverflowError:
            self.add_error(field, "This is out of range.")
        else:
            self._bound(field, said, now)
        return said

    def _bound(self, field: str, said: Mapping[str, Any], now: datetime) -> None:
        if said["ends_at"] <= max(now, said["starts_at"]):
            self.add_error(field, "It must end later than it begins, and than now.")
        elif said["ends_at"] - said["starts_at"] > LONGEST_SILENCE:
            self.add_error(field, f"{LONGEST_SILENCE.days} days at most.")
