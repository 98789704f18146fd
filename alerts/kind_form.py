"""The form of a rule of one kind: a field for each of its parameters, from their model alone."""

from collections.abc import Mapping, Sequence
from types import NoneType
from typing import Any, get_args, get_origin

from annotated_types import Ge, Le
from django import forms
from django.urls import reverse
from django.utils.html import format_html
from pydantic.fields import FieldInfo

from accounts.models import Project
from alerts.conditions import CONDITIONS, Parameters
from alerts.conditions.contract import SCOPES, Choices, UnitOf
from alerts.forms import RuleForm
from alerts.reading import BadParametersError, parameters_of
from buildinsights.quantities import UNITS, unit_of

PREFIX = "parameter-"
"""Of fields of parameters: some are called as what all rules have, such as severity."""


class KindForm(RuleForm):
    """A rule whose kind is settled: of the scope it asks what that knows."""

    kind: Any = None  # these two are no fields here
    parameters: Any = None

    def __init__(self, project: Project, kind: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(project, *args, **kwargs)
        condition = CONDITIONS[kind]
        self._kind, self._model = kind, condition.parameters
        self._stored = self.initial.get("parameters")
        self._known = None if self._stored is None else _read(kind, self._stored)
        for name in set(SCOPES) - condition.narrowed_by:
            del self.fields[name]
        begin = self._begin()
        for name, info in self._model.model_fields.items():
            unit = self._unit(name, info, begin)
            self.fields[PREFIX + name] = field_of(info, project, begin.get(name), unit)
        self.order_fields(["name", *(PREFIX + name for name in self._model.model_fields)])
        channels: Any = self.fields["channels"]
        if not channels.queryset.exists():
            channels.help_text = format_html(
                'There is no channel yet: <a href="{}">make one</a>. Until then nobody is told.',
                reverse("channels:channels", args=[project.slug]),
            )

    @property
    def parts(self) -> Sequence[tuple[str, list[Any]]]:
        """The fields in the order in which one thinks of a rule, with headings."""
        own = [PREFIX + name for name in self._model.model_fields]
        named = (
            ("What is wrong", ["name", *own]),
            ("Of which builds", list(SCOPES)),
            (
                "When it fires",
                ["least_samples", "for_seconds", "settle_seconds", "every_seconds", "is_on"],
            ),
            ("Who is told", ["severity", "channels"]),
        )
        parts = (
            (title, [self[name] for name in names if name in self.fields]) for title, names in named
        )
        return [(title, fields) for title, fields in parts if fields]

    def values_of(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """Return the columns of the rule."""
        values = super().values_of(said)
        plain = {name: value for name, value in values.items() if not name.startswith(PREFIX)}
        return plain | {"kind": self._kind, "parameters": self._document(said)}

    def refuse(self, error: BadParametersError) -> None:
        """Tell what is wrong at its field."""
        for name, texts in (error.errors or {"": [str(error)]}).items():
            self.add_error(PREFIX + name if name in self._model.model_fields else None, texts)

    def _unit(self, name: str, info: FieldInfo, begin: Mapping[str, Any]) -> str:
        """Return the unit of a parameter: its own, or that of what another one names now."""
        for other in info.metadata:
            if isinstance(other, UnitOf):
                told = self.data.get(PREFIX + other.other) if self.is_bound else None
                return other.unit(str(told or begin.get(other.other)))
        return unit_of(name)

    def _begin(self) -> Mapping[str, Any]:
        """Return what the fields show first."""
        if self._known is not None:
            return self._known.model_dump()
        if self._stored is not None:
            return dict(self._stored)
        return {name: _example(info) for name, info in self._model.model_fields.items()}

    def _document(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters as they are stored: what says the same as before stays as it is."""
        told = {name: said[PREFIX + name] for name in self._model.model_fields}
        entered = {name: value for name, value in told.items() if value not in (None, "")}
        parameters = parameters_of(self._kind, entered)
        if self._stored is not None and parameters == self._known:
            return dict(self._stored)
        return parameters.model_dump(mode="json", exclude_defaults=True)


def _read(kind: str, document: Any) -> Parameters | None:
    try:
        return parameters_of(kind, document)
    except BadParametersError:
        return None


def _example(info: FieldInfo) -> Any:
    """Return what a new rule begins with."""
    if info.examples:
        return info.examples[0]
    return None if info.is_required() else info.get_default(call_default_factory=True)


def field_of(info: FieldInfo, project: Project, value: Any, unit: str) -> forms.Field:
    """Return the field of a parameter, which shows a value first."""
    told: dict[str, Any] = {
        "label": info.title,
        "help_text": info.description or "",
        "required": info.is_required(),
        "initial": value,
    }
    [kind, *_] = [part for part in get_args(info.annotation) if part is not NoneType] or [
        info.annotation
    ]
    for choices in info.metadata:
        if isinstance(choices, Choices):
            return _choice(choices, project, told, is_list=get_origin(info.annotation) is list)
    if info.annotation is bool:
        return forms.BooleanField(**told)
    least, most = (
        next((getattr(part, name) for part in info.metadata if isinstance(part, bound)), None)
        for bound, name in ((Ge, "ge"), (Le, "le"))
    )
    if unit in UNITS:
        return UNITS[unit](least=least, most=most, **told)
    number = forms.IntegerField if kind is int else forms.FloatField
    return number(min_value=least, max_value=most, **told)


def _choice(
    choices: Choices, project: Project, told: dict[str, Any], *, is_list: bool
) -> forms.Field:
    """Return the field of a choice; what was chosen and is there no more can be chosen still."""
    known = dict(choices.of(project.pk))
    value = told["initial"]
    chosen = value if isinstance(value, list) else [value]
    known |= {name: name for name in chosen if name and name not in known}
    if is_list:
        widget = forms.CheckboxSelectMultiple()
        return forms.MultipleChoiceField(choices=known.items(), widget=widget, **told)
    return forms.ChoiceField(choices=known.items(), **told)
