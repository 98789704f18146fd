"""What is asked of each kind of operation, by people and by machines alike."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef

from accounts.models import Project
from buildinsights.quantities import SizeField
from buildkit.caching.installing import Bound
from buildkit.caching.versions import Ecosystem, NoVersionError
from builds.models import Service
from cache.models import Operation, RetentionPolicy
from cache.operations.policy import policy_of
from cache.registries import allowed, references_of
from farm.models import Builder, BuildRequest, Source

MOST_DAYS = 3650


class PolicyForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """Retention and size limit of a project."""

    keep_days = forms.IntegerField(
        label="Days since the last use", min_value=1, max_value=MOST_DAYS
    )
    limit_bytes = SizeField(least=1, label="Size limit of each registry")
    protected = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        label="Protected references",
        help_text="Patterns as a shell's, one a line: *:main. Images always stay.",
        max_length=5000,
    )
    is_enforced = forms.BooleanField(
        required=False,
        label="Enforce it every night",
        help_text="Otherwise it only says what a plan is made with.",
    )

    class Meta:
        model = RetentionPolicy
        fields: ClassVar = ["keep_days", "limit_bytes", "protected", "is_enforced"]


class OperationForm(forms.Form):
    """What one kind of operation has to be told."""

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        self.project = project
        super().__init__(*args, **kwargs)
        self.offer()

    def offer(self) -> None:
        """Fill in what can be chosen of."""

    def parameters(self) -> dict[str, Any]:
        """Return what the operation is kept with."""
        return dict(self.cleaned_data)

    @property
    def builder(self) -> Builder | None:
        """Whose cache it is about."""
        return None


class SetupForm(OperationForm):
    """Where a cache is to be kept."""

    reference = forms.CharField(
        max_length=500, help_text="Such as registry.example.com/team/api-cache:main."
    )

    def clean_reference(self) -> str:
        """Refuse what is no reference of a registry that may be asked."""
        found = allowed(self.cleaned_data["reference"])
        if found is None:
            raise ValidationError("This is no reference in a registry of CACHE_REGISTRIES.")
        return str(found)


class ExpireForm(OperationForm):
    """Nothing: the policy says it all."""

    def parameters(self) -> dict[str, Any]:
        """Return what the project's policy says."""
        return policy_of(self.project).parameters


class ReferencesForm(OperationForm):
    """Some of the project's cache references."""

    references = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple)

    def offer(self) -> None:
        """Offer the references that the server may ask for."""
        found = [str(item) for same in references_of(self.project).values() for item in same]
        field: Any = self.fields["references"]
        field.choices = [(name, name) for name in found]


class VerifyForm(ReferencesForm):
    """And how closely it is looked."""

    references = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple, required=False, help_text="None: all of them."
    )
    deep = forms.BooleanField(
        required=False, label="Read every byte, and compare digests", initial=True
    )


class RebuildForm(ReferencesForm):
    """Which references are made anew."""


class WarmForm(OperationForm):
    """Which services are built."""

    services = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text="None: those of which the last 28 days say that it is worth it.",
    )

    def offer(self) -> None:
        """Offer the services that can be built here."""
        services = Service.objects.filter(project=self.project, source__isnull=False)
        field: Any = self.fields["services"]
        field.choices = list(services.order_by("name").values_list("slug", "name"))


class InvalidateForm(OperationForm):
    """Which steps of which service."""

    service = forms.ChoiceField()
    stage = forms.CharField(
        required=False, max_length=200, help_text="Only its steps, and what needs them."
    )
    from_step = forms.CharField(
        required=False,
        max_length=200,
        label="From step",
        help_text="Only from this one on: its number in the stage, or a part of its text.",
    )
    package = forms.CharField(
        required=False, max_length=200, help_text="Only what installs this package …"
    )
    below = forms.CharField(required=False, max_length=100, help_text="… below this version.")
    ecosystem = forms.ChoiceField(
        required=False,
        choices=[("", "Any"), *((item.value, item.value) for item in Ecosystem)],
    )

    builder_only = forms.BooleanField(
        required=False, label="Leave caches in registries as they are"
    )

    def offer(self) -> None:
        """Offer the project's services."""
        services = Service.objects.filter(project=self.project)
        field: Any = self.fields["service"]
        field.choices = list(services.order_by("name").values_list("slug", "name"))

    def clean(self) -> dict[str, Any]:
        """Refuse half a package, and a version that is none."""
        said = super().clean() or {}
        package, below = said.get("package", ""), said.get("below", "")
        if bool(package) != bool(below):
            raise ValidationError("A package and a version below which it is meant go together.")
        if package:
            kind = Ecosystem(said["ecosystem"]) if said.get("ecosystem") else None
            try:
                Bound(package, below, kind).ecosystems()
            except NoVersionError as error:
                raise ValidationError({"below": f"{error}."}) from error
        return said

    @property
    def builder(self) -> Builder | None:
        """The one that the service's source is built on; without a source only registries are."""
        service = self.cleaned_data["service"]
        sources = Source.objects.filter(service__project=self.project, service__slug=service)
        source = sources.select_related("builder").first()
        if source is None:
            return None
        return source.builder or Builder.objects.filter(name="").first()


class PruneForm(OperationForm):
    """What may go of which builder."""

    builder_name = forms.ChoiceField(label="Builder", required=False)
    older_than_days = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=MOST_DAYS,
        label="Not used for so many days",
    )
    limit_bytes = SizeField(
        required=False,
        least=1,
        label="Keep no more than",
        help_text="The least recently used go first.",
    )

    def offer(self) -> None:
        """Offer the builders on which the project builds."""
        used = BuildRequest.objects.filter(project=self.project, builder=OuterRef("pk"))
        named = Source.objects.filter(service__project=self.project, builder=OuterRef("pk"))
        field: Any = self.fields["builder_name"]
        found = Builder.objects.filter(Exists(used) | Exists(named), is_enabled=True)
        self.builders = {item.name: item for item in found}
        field.choices = [(name, str(item)) for name, item in self.builders.items()]

    def clean(self) -> dict[str, Any]:
        """Refuse to prune all."""
        said = super().clean() or {}
        if not self.errors and said["builder_name"] not in self.builders:
            raise ValidationError({"builder_name": "Name a builder on which this project builds."})
        if not self.errors and said["older_than_days"] is None and said["limit_bytes"] is None:
            raise ValidationError("Say what may go: by age, by size, or both.")
        return said

    def parameters(self) -> dict[str, Any]:
        """Return age and size; the builder is kept apart."""
        said = self.cleaned_data
        return {"older_than_days": said["older_than_days"], "limit_bytes": said["limit_bytes"]}

    @property
    def builder(self) -> Builder | None:
        """The chosen one."""
        return self.builders[self.cleaned_data["builder_name"]]


FORMS: Mapping[Operation.Kind, type[OperationForm]] = {
    Operation.Kind.SETUP: SetupForm,
    Operation.Kind.EXPIRE: ExpireForm,
    Operation.Kind.VERIFY: VerifyForm,
    Operation.Kind.REBUILD: RebuildForm,
    Operation.Kind.WARM: WarmForm,
    Operation.Kind.INVALIDATE: InvalidateForm,
    Operation.Kind.PRUNE: PruneForm,
}

MEANINGS: Mapping[Operation.Kind, str] = {
    Operation.Kind.SETUP: "See whether a registry can keep a cache with this project's "
    "credentials, and how a build uses it.",
    Operation.Kind.EXPIRE: "Remove caches from registries that nobody used for long, and the "
    "oldest over the limit.",
    Operation.Kind.VERIFY: "See whether every blob of a cache is there; builds do without those "
    "that are broken.",
    Operation.Kind.REBUILD: "Remove a cache from its registry, and build it anew with no cache.",
    Operation.Kind.WARM: "Build services before anybody waits for them.",
    Operation.Kind.INVALIDATE: "Let certain steps run again: of a stage, from a step on, or that "
    "installed an old package.",
    Operation.Kind.PRUNE: "Remove from a builder what was not used for long, and know what that "
    "will cost.",
}
"""What each kind does, for whoever chooses."""
