"""The form of a channel: its name, and a field for each setting of its kind."""

from typing import Any, get_origin

from django import forms
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from channels.entering import entered
from channels.exceptions import SettingsError
from channels.kinds import KINDS
from channels.kinds.contract import KindSettings
from channels.models import Channel

KEPT = "Stored, and never shown. Leave it empty to keep it."


class ChannelForm(forms.Form):
    """What a channel of one kind is called and needs to know."""

    name = forms.CharField(max_length=100, help_text="As people know it: #builds, on call.")

    def __init__(self, kind: str, channel: Channel | None, data: Any = None) -> None:
        initial = {"name": channel.name, **channel.settings} if channel else {}
        super().__init__(data, initial=_written(initial))
        self._kind, self._channel = kind, channel
        self.values: dict[str, Any] = {}
        self.settings: KindSettings | None = None
        model: type[KindSettings] = KINDS[kind].settings_model
        self._asked = [name for name in model.model_fields if name not in model.made]
        for name in self._asked:
            self.fields[name] = _field(model.model_fields[name], is_stored=channel is not None)

    def clean(self) -> None:
        """Check the settings as their kind does."""
        self.values = {name: self.cleaned_data.get(name) for name in self._asked}
        try:
            self.settings = entered(self._kind, self.values, self._channel)
        except SettingsError as error:
            self.refuse(error)

    def refuse(self, error: SettingsError) -> None:
        """Say at each field what is wrong with it."""
        for name, texts in error.errors.items():
            self.add_error(name if name in self.fields else None, texts)


def _written(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: "\n".join(value) if isinstance(value, list) else value
        for name, value in values.items()
    }


def _field(info: FieldInfo, *, is_stored: bool) -> forms.Field:
    """Return the field of a setting; whether it is needed says its kind."""
    told: dict[str, Any] = {
        "label": info.title,
        "help_text": info.description or "",
        "required": False,
    }
    if info.annotation is SecretStr:
        widget = forms.PasswordInput(attrs={"autocomplete": "off"})
        if is_stored:
            told["help_text"] = KEPT
        return forms.CharField(max_length=2000, widget=widget, **told)
    if get_origin(info.annotation) is list:
        return forms.CharField(widget=forms.Textarea(attrs={"rows": 4}), **told)
    if not info.is_required():
        told["initial"] = info.default
    if info.annotation is bool:
        return forms.BooleanField(**told)
    return forms.CharField(max_length=500, **told)
