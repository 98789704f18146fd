"""Labels as people type them."""

from collections.abc import Mapping
from typing import Any

from django import forms

from builds.labels import HELP, LONGEST_LABEL, MOST_LABELS, BadLabelError, read_labels, written
from builds.models import Service


class LabelsField(forms.CharField):
    """Labels by commas or one a line; cleaned, they are values by key."""

    def __init__(self, **kwargs: Any) -> None:
        longest = 2 * MOST_LABELS * LONGEST_LABEL
        super().__init__(required=False, max_length=longest, **{"help_text": HELP} | kwargs)

    def clean(self, value: Any) -> dict[str, str]:
        """Return the labels."""
        try:
            return read_labels(super().clean(value))
        except BadLabelError as error:
            raise forms.ValidationError(str(error), code=error.code) from error

    def prepare_value(self, value: Any) -> Any:
        """Show labels as they are typed: by key, or each as it is written."""
        labels = written(value) if isinstance(value, Mapping) else value
        return ", ".join(labels) if isinstance(labels, list) else labels


class ServiceLabelsForm(forms.Form):
    """The labels of a service."""

    labels = LabelsField(
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off"}),
        help_text="Such as team=payments, one a line or by commas.",
    )

    def __init__(self, service: Service, data: Any = None) -> None:
        super().__init__(data, initial={"labels": "\n".join(service.written_labels)})
