"""What people and machines ask with, checked alike."""

from datetime import UTC, datetime, time
from typing import Any

from django import forms

from sboms.search import Query
from supplychain.versions.errors import InvalidRangeError
from supplychain.versions.ranges import Range
from supplychain.versions.schemes import SCHEMES


class PackageSearch(forms.Form):
    """Which package, in which versions, at which date."""

    name = forms.CharField(
        max_length=500,
        label="Package",
        help_text="log4j-core, log4j*, group:name or a package URL.",
    )
    ecosystem = forms.CharField(
        max_length=60,
        required=False,
        label="Ecosystem",
        help_text=f"As in package URLs: {', '.join(sorted(SCHEMES))}, …",
    )
    version = forms.CharField(
        max_length=400, required=False, label="Versions", help_text="<2.17, or >=1.0 <2."
    )
    at = forms.DateField(
        required=False,
        label="In use at the end of",
        help_text="Empty for now.",
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
