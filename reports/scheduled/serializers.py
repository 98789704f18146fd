"""Scheduled reports as programs read and write them."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.authentication import actor_of
from channels.models import Delivery
from reports.models import ReportRun, ReportSchedule, ReportSection
from reports.scheduled.pages import deliveries_of, shows_addresses


class ReportRecipientsSerializer(serializers.Serializer[Any]):
    """Who gets a report."""

    members = serializers.ListField(child=serializers.CharField())
    addresses = serializers.ListField(child=serializers.CharField())
    unsubscribed = serializers.ListField(child=serializers.CharField())


class ReportScheduleSerializer(serializers.ModelSerializer[ReportSchedule]):
    """A report by the clock. `recipients` are for who may send reports or read the audit trail."""

    id = serializers.UUIDField(source="public_id")
    project = serializers.SlugField(source="project.slug")
    when = serializers.CharField(source="in_words", help_text="`cron` as a sentence.")
    services = serializers.ListField(child=serializers.CharField(), help_text="Empty: all.")
    labels = serializers.ListField(child=serializers.CharField())
    sections = serializers.ListField(child=serializers.ChoiceField(choices=ReportSection.choices))
    created_by = serializers.CharField(source="created_by.username", default=None)
    recipients = serializers.SerializerMethodField()

    class Meta:
        model = ReportSchedule
        fields = (
            "id",
            "project",
            "name",
            "cron",
            "when",
            "time_zone",
            "days",
            "services",
            "labels",
            "environment",
            "branch_class",
            "sections",
            "attaches_pdf",
            "is_on",
            "next_run_at",
            "created_by",
            "recipients",
        )
        read_only_fields = fields

    @extend_schema_field(ReportRecipientsSerializer(allow_null=True))
    def get_recipients(self, schedule: ReportSchedule) -> dict[str, list[str]] | None:
        """Who gets it, if the reader may know."""
        if not shows_addresses(actor_of(self.context["request"]), schedule.project_id):
            return None
        people = list(schedule.recipients.all())
        on = [person for person in people if not person.unsubscribed_at]
        return {
            "members": sorted(person.user.username for person in on if person.user),
            "addresses": sorted(person.address for person in on if person.address),
            "unsubscribed": sorted(str(person) for person in people if person.unsubscribed_at),
        }


class ReportScheduleWriteSerializer(serializers.Serializer[Any]):
    """A report to schedule: `cron` has five fields, `sections` are told in that order."""

    name = serializers.CharField(max_length=100)
    cron = serializers.CharField(max_length=100)
    time_zone = serializers.CharField(max_length=60, required=False, default="UTC")
    days = serializers.ChoiceField(choices=ReportSchedule.Days.choices, required=False, default=7)
    services = serializers.ListField(child=serializers.CharField(), required=False, default=list)
    labels = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        default=list,
        help_text="`key=value`: services that have all of them.",
    )
    environment = serializers.CharField(required=False, allow_blank=True, default="")
    branch_class = serializers.CharField(required=False, allow_blank=True, default="")
    sections = serializers.ListField(child=serializers.CharField(), required=False)
    members = serializers.ListField(
        child=serializers.CharField(), required=False, default=list, help_text="Names of users."
    )
    addresses = serializers.ListField(child=serializers.CharField(), required=False, default=list)
    attaches_pdf = serializers.BooleanField(
        required=False, default=False, help_text="E-mails have the report as a PDF file, too."
    )
    is_on = serializers.BooleanField(required=False, default=True)


class ReportDeliverySerializer(serializers.ModelSerializer[Delivery]):
    """What became of the e-mail of one recipient."""

    recipient = serializers.SerializerMethodField()

    class Meta:
        model = Delivery
        fields = ("recipient", "state", "tries", "error", "sent_at")
        read_only_fields = fields

    def get_recipient(self, delivery: Delivery) -> str:
        """The address."""
        return ", ".join(delivery.recipients)


class ReportRunSerializer(serializers.ModelSerializer[ReportRun]):
    """One report, of the days from `first` to `last` in UTC."""

    id = serializers.UUIDField(source="public_id")
    project = serializers.SlugField(source="project.slug")
    schedule = serializers.UUIDField(source="schedule.public_id", default=None)

    class Meta:
        model = ReportRun
        fields: tuple[str, ...] = (
            "id",
            "project",
            "schedule",
            "name",
            "due_at",
            "first",
            "last",
            "asked_by",
            "state",
            "tries",
            "recipients",
            "error",
            "started_at",
            "ended_at",
        )
        read_only_fields: tuple[str, ...] = fields


class ReportRunDetailSerializer(ReportRunSerializer):
    """And what it said, and to whom it went if the reader may know."""

    report = serializers.JSONField(source="data")
    deliveries = serializers.SerializerMethodField()

    class Meta(ReportRunSerializer.Meta):
        fields = (*ReportRunSerializer.Meta.fields, "report", "deliveries")
        read_only_fields = fields

    @extend_schema_field(ReportDeliverySerializer(many=True, allow_null=True))
    def get_deliveries(self, run: ReportRun) -> Any:
        """What became of each e-mail."""
        if not shows_addresses(actor_of(self.context["request"]), run.project_id):
            return None
        return ReportDeliverySerializer(deliveries_of(run), many=True).data
