"""A schedule of a report as people and programs write it."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.validators import validate_email
from django.db.models import Q, QuerySet
from django.utils.html import format_html

from accounts.models import Project, User
from accounts.typing import Actor
from builds.branches import BranchClass
from builds.forms import LabelsField
from builds.labels import HELP, written
from builds.models import Build, Service
from reports.models import ReportSchedule, ReportSection
from reports.scheduled.services import save_schedule

MOST_RECIPIENTS = 50
MOST_ENVIRONMENTS = 50
PLACE = "place_"
PARTS = (
    ("When", ("name", "cron", "time_zone", "is_on")),
    ("About what", ("days", "environment", "branch_class", "labels", "services")),
    ("To whom", ("members", "addresses", "attaches_pdf")),
)


class AddressesField(forms.CharField):
    """Addresses, one a line; what is no address is named."""

    widget = forms.Textarea(attrs={"rows": 3, "autocomplete": "off"})

    def clean(self, value: Any) -> list[str]:
        """Return each address once, in the order in which they were typed."""
        lines = [line.strip() for line in str(super().clean(value)).replace(",", "\n").split("\n")]
        found = list(dict.fromkeys(line.lower() for line in lines if line))
        for address in found:
            try:
                validate_email(address)
            except forms.ValidationError as error:
                raise forms.ValidationError(f"“{address}” is not an e-mail address.") from error
        return found


class ReportScheduleForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """When, about what, in which parts, to whom.

    Parts are told by their places; of those without one in the order in which they came.
    """

    services = forms.MultipleChoiceField(
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen: all of them, also later ones.",
    )
    labels = LabelsField(help_text=f"{HELP} Services that have all of them, those to come, too.")
    environment = forms.ChoiceField(required=False)
    branch_class = forms.ChoiceField(
        required=False, label="Branches", choices=[("", "All"), *BranchClass.choices]
    )
    sections = forms.MultipleChoiceField(
        label="Parts", choices=ReportSection.choices, widget=forms.CheckboxSelectMultiple
    )
    members = forms.ModelMultipleChoiceField(
        User.objects.none(),
        required=False,
        to_field_name="username",
        widget=forms.CheckboxSelectMultiple,
        help_text="Who leaves the project does not get it any more.",
    )
    addresses = AddressesField(
        required=False,
        label="Other addresses",
        help_text="One a line. They get the report though they cannot sign in.",
    )

    class Meta:
        model = ReportSchedule
        fields = (
            "name",
            "cron",
            "time_zone",
            "days",
            "environment",
            "branch_class",
            "attaches_pdf",
            "is_on",
        )
        labels = {"cron": "When", "days": "Period", "is_on": "On"}
        help_texts = {
            "cron": format_html(
                "Minute, hour, day, month, weekday. Mondays at 7: {}; every day: {}; "
                "the first of a month: {}.",
                *(
                    format_html('<code class="nowrap">{}</code>', text)
                    for text in ("0 7 * * 1", "0 7 * * *", "0 7 1 * *")
                ),
            ),
            "time_zone": "Of the time above: Europe/Berlin, for example.",
            "days": "Whole days in UTC before it is sent, against as many before these.",
            "attaches_pdf": "To be filed or printed.",
        }

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.project = project
        self.fields["members"].queryset = self._people(project)  # type: ignore[attr-defined]
        if not self.fields["members"].queryset.exists():  # type: ignore[attr-defined]
            self.fields["members"].help_text = "No member has an e-mail address."
        services = Service.objects.filter(project=project).order_by("name")
        self._choose("services", list(services.values_list("slug", "name")))
        self._choose("environment", [("", "All"), *((e, e) for e in _environments(project))])
        self._fill()
        if not self.instance.pk and not self.is_bound:
            self.fields["time_zone"].widget.attrs["data-zone"] = ""

    def _people(self, project: Project) -> QuerySet[User]:
        """Return the members who can be reached, and who is a recipient now even if they cannot."""
        reachable = Q(memberships__project=project, is_active=True) & ~Q(email="")
        named = self.instance.recipients.filter(unsubscribed_at=None) if self.instance.pk else None
        kept = Q(pk__in=named.values("user")) if named is not None else Q(pk=None)
        return User.objects.filter(reachable | kept).distinct().order_by("username")

    def _choose(self, name: str, choices: list[tuple[str, str]]) -> None:
        """Offer choices, and what is chosen now even if it is no longer there."""
        now = getattr(self.instance, name)
        kept = now if isinstance(now, list) else [now]
        known = {value for value, _ in choices}
        self.fields[name].choices = choices + [  # type: ignore[attr-defined]
            (value, value) for value in kept if value and value not in known
        ]

    def _fill(self) -> None:
        """Show what is kept now; the parts in their order, then the others."""
        kept = self.instance.sections if self.instance.pk else ReportSection.values
        order = [*kept, *(key for key in ReportSection.values if key not in kept)]
        for place, key in enumerate(order, start=1):
            label = f"Place of “{ReportSection(key).label}”"
            self.fields[PLACE + key] = forms.IntegerField(
                required=False, min_value=1, max_value=99, initial=place, label=label
            )
        self.order = order
        labels = ", ".join(self.instance.labels)
        self.initial.update(sections=kept, services=self.instance.services, labels=labels)
        if self.instance.pk:
            people = self.instance.recipients.filter(unsubscribed_at=None).select_related("user")
            self.initial["members"] = [p.user.username for p in people if p.user]
            self.initial["addresses"] = "\n".join(sorted(p.address for p in people if p.address))

    @property
    def section_rows(self) -> list[tuple[Any, Any]]:
        """The parts as they are offered, in their order: checkbox and place."""
        boxes = {box.data["value"]: box for box in self["sections"]}
        return [(boxes[key], self[PLACE + key]) for key in self.order]

    @property
    def parts(self) -> Sequence[tuple[str, list[Any]]]:
        """All other fields, with headings."""
        return [(title, [self[name] for name in names]) for title, names in PARTS]

    def clean_name(self) -> str:
        """Refuse a name that another report of the project has."""
        name = str(self.cleaned_data["name"])
        others = ReportSchedule.objects.filter(project=self.instance.project, name=name)
        if others.exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError("There is a report with this name.")
        return name

    def clean(self) -> dict[str, Any]:
        """Put the parts in order, and bound the recipients."""
        said: dict[str, Any] = super().clean() or self.cleaned_data
        chosen = said.get("sections") or []
        places = [(said.get(PLACE + key) or 0, at, key) for at, key in enumerate(chosen)]
        said["sections"] = [key for _, _, key in sorted(places)]
        count = len(said.get("members") or []) + len(said.get("addresses") or [])
        if count > MOST_RECIPIENTS:
            self.add_error("addresses", f"A report has {MOST_RECIPIENTS} recipients at most.")
        said["labels"] = written(said.get("labels") or {})
        self.instance.sections, self.instance.labels = said["sections"], said["labels"]
        self.instance.services = said.get("services") or []
        return said

    def keep(self, actor: Actor) -> ReportSchedule:
        """Save what is said; the form is valid."""
        said = self.cleaned_data
        told = [*self.Meta.fields, "services", "labels", "sections"]
        changes = {n: said[n] for n in told if n in self.changed_data or n == "sections"}
        return save_schedule(
            schedule=self.instance,
            members=list(said["members"]),
            addresses=said["addresses"],
            changes=changes,
            actor=actor,
        )


def _environments(project: Project) -> list[str]:
    named = Build.objects.filter(project=project).exclude(environment="").order_by("environment")
    return list(named.values_list("environment", flat=True).distinct()[:MOST_ENVIRONMENTS])
