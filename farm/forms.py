"""Forms of the queue and of sources."""

from collections.abc import Sequence
from typing import Any

from django import forms

from accounts.models import Project
from builds.models import Service
from farm import addresses
from farm.models import Schedule, Source
from farm.models.source import HOUR_SECONDS
from farm.queueing import Wish

PLATFORMS = [("linux/amd64", "linux/amd64"), ("linux/arm64", "linux/arm64")]
LONGEST_HOURS = 12
"""So that a source's time limit always comes before that of the worker's task."""


class TriggerForm(forms.Form):
    """Ask for builds of one or several services."""

    services = forms.ModelMultipleChoiceField(
        Source.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        help_text="Several are built in the order of what they need of each other.",
    )
    ref_name = forms.CharField(
        label="Branch or tag",
        max_length=250,
        required=False,
        validators=[addresses.validate_ref],
        help_text="Empty: the one that each service says.",
    )
    revision = forms.CharField(
        label="Commit",
        max_length=64,
        required=False,
        validators=[addresses.validate_revision],
        help_text="The whole id; empty: the newest of the branch.",
    )
    variant = forms.CharField(max_length=60, required=False, validators=[addresses.validate_name])
    environment = forms.CharField(
        max_length=60, required=False, validators=[addresses.validate_name]
    )
    platforms = forms.MultipleChoiceField(
        choices=PLATFORMS, required=False, widget=forms.CheckboxSelectMultiple
    )
    priority = forms.IntegerField(
        min_value=-100, max_value=100, initial=0, help_text="Higher goes first in this project."
    )
    no_cache = forms.BooleanField(label="Without cache", required=False)
    supersede = forms.BooleanField(
        label="Cancel older queued builds of these services and branch that ask for the same",
        required=False,
    )

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["services"]
        assert isinstance(field, forms.ModelMultipleChoiceField)  # noqa: S101  # declared above
        sources = Source.objects.filter(service__project=project).select_related("service")
        field.queryset = sources.prefetch_related("needs")

    def wish(self) -> Wish:
        """Return what was asked for."""
        said = self.cleaned_data
        return Wish(
            ref_name=said["ref_name"],
            revision=said["revision"],
            variant=said["variant"],
            environment=said["environment"],
            platforms=tuple(said["platforms"]),
            priority=said["priority"] or 0,
            no_cache=said["no_cache"],
        )


class SourceForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """Where a service's code is and how it is built."""

    platforms = forms.MultipleChoiceField(
        choices=PLATFORMS, required=False, widget=forms.CheckboxSelectMultiple
    )
    time_limit_seconds = forms.IntegerField(
        label="Time limit in seconds",
        initial=HOUR_SECONDS,
        min_value=1,
        max_value=LONGEST_HOURS * HOUR_SECONDS,
        error_messages={
            "max_value": f"At most %(limit_value)s: a build may take {LONGEST_HOURS} hours."
        },
        help_text=f"A build that takes longer is ended. At most {LONGEST_HOURS} hours.",
    )

    class Meta:
        model = Source
        fields = (
            "repository_url",
            "deploy_key",
            "definition",
            "file",
            "context",
            "target",
            "ref_name",
            "variant",
            "environment",
            "platforms",
            "push",
            "push_patterns",
            "builder",
            "time_limit_seconds",
            "retries",
            "owners",
            "needs",
        )
        labels = {
            "repository_url": "Repository",
            "ref_name": "Branch",
            "context": "Directory",
            "push": "Push the image",
            "push_patterns": "Build on pushes to",
        }
        widgets = {"needs": forms.CheckboxSelectMultiple}
        help_texts = {
            "repository_url": "https://…, ssh://…, user@host:path, or a path that workers allow.",
            "deploy_key": "Name of a file among this project's keys on the workers: an SSH key, or "
            "one line https://user:token@host.",
            "file": "Path in the repository; empty for what Bake finds, or “Dockerfile”.",
            "context": "In the repository; empty for its root.",
            "target": "Bake target or stage; empty for the service's name or the last stage.",
            "push": "To the registry that the definition names.",
            "push_patterns": "Such as “main release/*”; empty: a push builds nothing.",
            "owners": "E-mail addresses, with commas between, told of failures without a known "
            "author; empty: the project's administrators.",
            "builder": "Empty: the current one of the worker.",
            "retries": "After a failure that may pass: network, registry, rate limit, cache.",
            "needs": "Built first when asked for together; skipped is what needs a failed one.",
        }

    def __init__(self, service: Service, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.service = service
        field = self.fields["needs"]
        assert isinstance(field, forms.ModelMultipleChoiceField)  # noqa: S101  # a model's field
        others = Source.objects.filter(service__project=service.project).exclude(pk=service.pk)
        field.queryset = others.select_related("service")

    def clean_needs(self) -> list[Source]:
        """Refuse services that need this one themselves."""
        needs = list(self.cleaned_data["needs"])
        reached, left = set(needs), [*needs]
        while left:
            further = [source for source in left.pop().needs.all() if source not in reached]
            reached.update(further)
            left.extend(further)
        if any(source.pk == self.instance.service.pk for source in reached):
            raise forms.ValidationError("One of these needs this service itself.")
        return needs


class ScheduleForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """Which services are built, and when."""

    class Meta:
        model = Schedule
        fields = ("name", "sources", "cron", "time_zone", "ref_name", "no_cache", "is_enabled")
        labels = {
            "cron": "When",
            "ref_name": "Branch or tag",
            "no_cache": "Without cache",
            "is_enabled": "Runs",
        }
        widgets = {"sources": forms.CheckboxSelectMultiple}
        help_texts = {
            "cron": "Minute hour day month weekday, such as “30 4 * * 1-5”.",
            "time_zone": "Such as Europe/Berlin.",
            "ref_name": "Empty: the one that each service says.",
        }

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.project = project
        field = self.fields["sources"]
        assert isinstance(field, forms.ModelMultipleChoiceField)  # noqa: S101  # a model's field
        sources = Source.objects.filter(service__project=project)
        field.queryset = sources.select_related("service")

    def clean_name(self) -> str:
        """Refuse a name that another schedule of the project has."""
        name = str(self.cleaned_data["name"])
        others = Schedule.objects.filter(project=self.instance.project, name=name)
        if others.exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError("There is a schedule with this name.")
        return name


class AgainForm(forms.Form):
    """Build the same again; both are as in the last attempt unless said."""

    verbose_cache = forms.BooleanField(required=False)
    no_cache_from = forms.ChoiceField(required=False)

    def __init__(self, stages: Sequence[str], *args: Any) -> None:
        super().__init__(*args)
        field = self.fields["no_cache_from"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101  # declared above
        field.choices = [(stage, stage) for stage in stages]

    def changes(self) -> dict[str, Any]:
        """Return what is to be other than last time."""
        return {name: value for name, value in self.cleaned_data.items() if value}
