"""What people and machines ask with, checked alike."""

from datetime import UTC, datetime, time
from typing import Any

from django import forms

from sboms.search import Query
from supplychain.versions.errors import InvalidRangeError
from supplychain.versions.ranges import Range


class PackageSearch(forms.Form):
    """Which package, in which versions, at which date."""

    name = forms.CharField(
        max_length=500,
        label="Package",
        widget=forms.TextInput(attrs={"placeholder": "log4j-core or log4j*"}),
    )
    ecosystem = forms.CharField(
        max_length=60,
        required=False,
        label="Ecosystem",
        widget=forms.TextInput(attrs={"placeholder": "any; maven, npm, deb"}),
    )
    version = forms.CharField(
        max_length=400,
        required=False,
        label="Versions",
        widget=forms.TextInput(attrs={"placeholder": "any; <2.17 or >=1.0 <2"}),
    )
    at = forms.DateField(
        required=False,
        label="At the end of (or now)",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def clean_ecosystem(self) -> str:
        """Ecosystems are written in small letters."""
        return str(self.cleaned_data["ecosystem"]).strip().lower()

    def clean_version(self) -> Range:
        """A range of versions."""
        try:
            return Range.parse(self.cleaned_data["version"])
        except InvalidRangeError as error:
            raise forms.ValidationError(f"Not a range of versions: {error}.") from error

    def query(self) -> Query:
        """Return what a valid form asks for."""
        said: dict[str, Any] = self.cleaned_data
        at = said["at"] and datetime.combine(said["at"], time.max, UTC)
        return Query.of(
            said["name"].strip(), ecosystem=said["ecosystem"], wanted=said["version"], at=at or None
        )


class Against(forms.Form):
    """Which other bill one is compared with."""

    against = forms.UUIDField(label="SBOM before")


class TwoBuilds(forms.Form):
    """Which builds are compared."""

    before = forms.UUIDField(label="Build before")
    after = forms.UUIDField(label="Build after")
