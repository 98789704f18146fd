"""Settings as people and machines enter them, for forms and API alike."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from channels.contract import PermanentDeliveryError
from channels.exceptions import SettingsError
from channels.kinds import KINDS
from channels.kinds.contract import KindSettings
from channels.models import Channel
from channels.opening import opened


def entered(kind: str, values: Mapping[str, Any], channel: Channel | None = None) -> KindSettings:
    """Return checked settings.

    A secret that is not entered stays as it is, unless it would go elsewhere from now on: nobody
    who cannot read it may have it sent to an address of theirs.

    Raises:
        SettingsError: what is wrong, by field.
    """
    model: type[KindSettings] = KINDS[kind].settings_model
    told = {name: value for name, value in values.items() if value not in (None, "")}
    if made := sorted(model.made & told.keys()):
        raise SettingsError({name: ["This is made here."] for name in made})
    known = _known(channel)
    try:
        return model.model_validate(_kept(model, told, known) | told)
    except ValidationError as error:
        raise SettingsError(_by_field(error)) from None


def _known(channel: Channel | None) -> KindSettings | None:
    """Return what is stored of a channel; nothing if it cannot be read any more."""
    try:
        known: KindSettings | None = opened(channel) if channel else None
    except PermanentDeliveryError:
        return None
    return known


def _kept(
    model: type[KindSettings], told: Mapping[str, Any], known: KindSettings | None
) -> dict[str, Any]:
    if known is None:
        return {}
    kept = {name: getattr(known, name) for name in model.made}
    defaults = {name: model.model_fields[name].default for name in model.leads}
    if all(told.get(name, defaults[name]) == getattr(known, name) for name in model.leads):
        kept |= {name: getattr(known, name) for name in model.secret_names()}
    return kept


def _by_field(error: ValidationError) -> dict[str, list[str]]:
    """Return the texts by field, without what was entered: it may be a secret."""
    found: dict[str, list[str]] = {}
    for each in error.errors(include_input=False, include_url=False, include_context=False):
        field = str(each["loc"][0]) if each["loc"] else "settings"
        text = each["msg"].removeprefix("Value error, ")
        found.setdefault(field, []).append("This is needed." if each["type"] == "missing" else text)
    return found
