"""Policies as people and machines write them."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from buildkit.errors import ParseError
from policies.services import Written
from supplychain.gate.document import MOST_CHARACTERS, problems_of, read_policy

MOST_ENVIRONMENTS = 50


class PolicyForm(forms.Form):
    """A policy's rules, and where it holds."""

    name = forms.CharField(max_length=100, help_text="Production, or what you call it.")
    environments = forms.CharField(
        required=False,
        max_length=2000,
        help_text="Where it holds, by commas: production, staging.",
    )
    is_default = forms.BooleanField(required=False, label="Holds where no other policy does")
    text = forms.CharField(
        max_length=MOST_CHARACTERS,
        label="Rules",
        help_text="YAML or JSON. A rule that is not written is not asked.",
        widget=forms.Textarea(attrs={"rows": 18, "spellcheck": "false", "class": "mono"}),
    )
    note = forms.CharField(
        required=False, max_length=500, label="Why", help_text="For whoever reads the versions."
    )

    def clean_environments(self) -> list[str]:
        """Return the names, each once."""
        names = [name.strip() for name in self.cleaned_data["environments"].split(",")]
        found = list(dict.fromkeys(filter(None, names)))
        if any(len(name) > 60 for name in found):
            raise ValidationError("A name has 60 characters at most.")
        if len(found) > MOST_ENVIRONMENTS:
            raise ValidationError(f"Name {MOST_ENVIRONMENTS} environments at most.")
        return found

    def clean_text(self) -> str:
        """Refuse rules that cannot be read, with every problem at its place."""
        text: str = self.cleaned_data["text"]
        try:
            document = read_policy(text)
        except ParseError as error:
            raise ValidationError(str(error)) from error
        if problems := problems_of(document):
            raise ValidationError([str(problem) for problem in problems])
        self.cleaned_data["document"] = document
        return text

    @property
    def written(self) -> Written:
        """The rules of a valid form."""
        said: dict[str, Any] = self.cleaned_data
        return Written(said["document"], said["text"], said["note"])


class RulesForm(PolicyForm):
    """Rules to try: they need no name."""

    name = None  # type: ignore[assignment]
    note = None  # type: ignore[assignment]
    is_default = None  # type: ignore[assignment]
