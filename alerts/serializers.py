"""Alerts, rules and silences for machines."""

from typing import Any

from rest_framework import serializers

from alerts.models import Alert, AlertEvent, AlertMember, AlertRule, Silence
from alerts.outcome import outcome_of


class AlertMemberSerializer(serializers.ModelSerializer[AlertMember]):
    """One thing that an alert is about; `value` and `threshold` are in `unit`."""

    service = serializers.SlugField(source="service.slug", default=None)

    class Meta:
        model = AlertMember
        fields = (
            "group",
            "service",
            "title",
            "path",
            "value",
            "threshold",
            "unit",
            "samples",
            "since",
            "ended_at",
        )
        read_only_fields = fields


class AlertEventSerializer(serializers.ModelSerializer[AlertEvent]):
    """One thing that happened to an alert; without `actor`, by its rule."""

    class Meta:
        model = AlertEvent
        fields = ("at", "kind", "actor", "text")
        read_only_fields = fields


class AlertSerializer(serializers.ModelSerializer[Alert]):
    """An alert: one a rule and cause is open at most."""

    id = serializers.UUIDField(source="public_id")
    project = serializers.SlugField(source="project.slug")
    rule = serializers.UUIDField(source="rule.public_id", default=None)
    owner = serializers.CharField(source="owner.username", default=None)
    silence = serializers.UUIDField(source="silence.public_id", default=None)
    seconds_to_acknowledge = serializers.FloatField(allow_null=True)
    seconds_to_resolve = serializers.FloatField(allow_null=True)
    path = serializers.CharField(source="get_absolute_url")

    class Meta:
        model = Alert
        fields = (
            "id",
            "project",
            "rule",
            "rule_name",
            "rule_version",
            "kind",
            "cause",
            "title",
            "summary",
            "severity",
            "state",
            "owner",
            "silence",
            "flaps",
            "began_at",
            "fired_at",
            "told_at",
            "acknowledged_at",
            "acknowledged_by",
            "resolved_at",
            "resolved_by",
            "resolved_because",
            "seconds_to_acknowledge",
            "seconds_to_resolve",
            "path",
        )
        read_only_fields = fields


class AlertDetailSerializer(AlertSerializer):
    """And what was known when it fired, what it hits, and what happened."""

    context: Any = serializers.JSONField()
    members = AlertMemberSerializer(many=True)
    events = AlertEventSerializer(many=True)
    outcome = serializers.SerializerMethodField()

    class Meta(AlertSerializer.Meta):
        fields: tuple[str, ...] = (  # type: ignore[assignment]
            *AlertSerializer.Meta.fields,
            "context",
            "members",
            "events",
            "outcome",
        )
        read_only_fields = fields  # type: ignore[assignment]

    def get_outcome(self, alert: Alert) -> str | None:
        """Whether its metric is better since it was resolved, in a sentence."""
        found = outcome_of(alert)
        return found.words if found else None


class NoteSerializer(serializers.Serializer[Any]):
    """Words for the timeline."""

    text = serializers.CharField(max_length=5000)


class OptionalNoteSerializer(serializers.Serializer[Any]):
    """Words for the timeline, if there are any."""

    text = serializers.CharField(max_length=5000, required=False, allow_blank=True)


class OwnerSerializer(serializers.Serializer[Any]):
    """The name of a member of the project; null for nobody."""

    owner = serializers.CharField(max_length=150, allow_null=True)


class AlertRuleSerializer(serializers.ModelSerializer[AlertRule]):
    """A rule; empty lists of its scope are any. `parameters` are by `kind`: see /help/alerts/."""

    id = serializers.UUIDField(source="public_id")
    project = serializers.SlugField(source="project.slug")
    services: Any = serializers.SlugRelatedField(slug_field="slug", many=True, read_only=True)
    channels: Any = serializers.SlugRelatedField(slug_field="public_id", many=True, read_only=True)
    parameters = serializers.DictField()
    labels = serializers.ListField(child=serializers.CharField())
    branch_classes = serializers.ListField(child=serializers.CharField())
    environments = serializers.ListField(child=serializers.CharField())
    targets = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = AlertRule
        fields = (
            "id",
            "project",
            "name",
            "kind",
            "parameters",
            "severity",
            "services",
            "labels",
            "branch_classes",
            "environments",
            "targets",
            "channels",
            "for_seconds",
            "settle_seconds",
            "least_samples",
            "every_seconds",
            "is_on",
            "version",
            "next_due_at",
            "evaluated_at",
            "error",
            "created_by",
            "created_at",
        )
        read_only_fields = fields


class AlertRuleWriteSerializer(serializers.Serializer[Any]):
    """A rule as it is written; what is left out has its default."""

    name = serializers.CharField(max_length=100)
    kind = serializers.CharField(max_length=14)
    parameters = serializers.DictField(required=False)
    severity = serializers.CharField(max_length=8, required=False)
    services = serializers.ListField(child=serializers.CharField(), required=False)
    labels = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        help_text="`key=value`: services that have all of them.",
    )
    branch_classes = serializers.ListField(child=serializers.CharField(), required=False)
    environments = serializers.ListField(child=serializers.CharField(), required=False)
    targets = serializers.ListField(child=serializers.CharField(), required=False)
    channels = serializers.ListField(child=serializers.UUIDField(), required=False)
    for_seconds = serializers.IntegerField(required=False)
    settle_seconds = serializers.IntegerField(required=False)
    least_samples = serializers.IntegerField(required=False)
    every_seconds = serializers.IntegerField(required=False)
    is_on = serializers.BooleanField(required=False)
    version = serializers.IntegerField(
        required=False, help_text="The one that was looked at: another one is a 409."
    )


class FiredSerializer(serializers.Serializer[Any]):
    """One alert that would have been."""

    cause = serializers.CharField()
    title = serializers.CharField()
    summary = serializers.CharField()
    fired_at = serializers.DateTimeField()
    resolved_at = serializers.DateTimeField(allow_null=True)
    resolved_because = serializers.CharField()
    flaps = serializers.IntegerField()
    members = serializers.ListField(child=serializers.DictField())
    builds = serializers.ListField(child=serializers.DictField(), source="links")


class PreviewSerializer(serializers.Serializer[Any]):
    """What a rule would have told; `is_cut` if it was too much to look at all of it."""

    sentence = serializers.CharField()
    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    is_cut = serializers.BooleanField()
    fired = FiredSerializer(many=True)


class SilenceSerializer(serializers.ModelSerializer[Silence]):
    """A silence; without rule, service and labels it is of the whole project."""

    id = serializers.UUIDField(source="public_id")
    project = serializers.SlugField(source="project.slug")
    rule = serializers.UUIDField(source="rule.public_id", default=None)
    service = serializers.SlugField(source="service.slug", default=None)
    labels = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = Silence
        fields = (
            "id",
            "project",
            "rule",
            "service",
            "labels",
            "starts_at",
            "ends_at",
            "reason",
            "created_by",
            "created_at",
            "ended_by",
        )
        read_only_fields = fields


class SilenceWriteSerializer(serializers.Serializer[Any]):
    """A silence as it is written; `starts_at` left out is now."""

    rule = serializers.UUIDField(required=False, allow_null=True)
    service = serializers.CharField(max_length=100, required=False, allow_null=True)
    labels = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        help_text="`key=value`: all services of an alert have all of them.",
    )
    starts_at = serializers.DateTimeField(required=False)
    ends_at = serializers.DateTimeField()
    reason = serializers.CharField(max_length=500)
