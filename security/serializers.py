"""Scans and findings on the wire."""

from typing import Any

from rest_framework import serializers

from security.history import events_of
from security.models import Finding, FindingEvent, Presence, Scan


class ScanSerializer(serializers.ModelSerializer[Scan]):
    """A scan: what was looked at, by what, and how much it lists."""

    id = serializers.UUIDField(source="public_id")
    project = serializers.SlugField(source="project.slug")
    service = serializers.SlugField(source="service.slug", default=None)
    build = serializers.UUIDField(source="build.public_id", default=None)
    image_digest = serializers.CharField(
        source="image.digest", default=None, help_text="Of the image here, if it is known."
    )
    is_waiting = serializers.SerializerMethodField(
        help_text="No build is known that made its image: it has no findings yet."
    )

    class Meta:
        model = Scan
        fields = (
            "id",
            "project",
            "service",
            "build",
            "image_name",
            "image_digest",
            "digests",
            "format",
            "scanner",
            "scanner_version",
            "database_version",
            "database_updated_at",
            "os_name",
            "os_is_end_of_life",
            "scanned_at",
            "received_at",
            "kinds",
            "narrowed_by",
            "is_waiting",
            "is_late",
            "counts",
            "distinct_vulnerabilities",
            "packages",
            "came",
            "went",
            "problems",
        )
        read_only_fields = fields

    def get_is_waiting(self, scan: Scan) -> bool:
        """Whether it waits for a build of its image."""
        return scan.lineage_id is None


class PresenceSerializer(serializers.ModelSerializer[Presence]):
    """That a finding was in the images of one target, variant, environment and platform."""

    branch_class = serializers.CharField(source="lineage.branch_class")
    target = serializers.CharField(source="lineage.target")
    variant = serializers.CharField(source="lineage.variant")
    environment = serializers.CharField(source="lineage.environment")
    platform = serializers.CharField(source="lineage.platform")
    since_scan = serializers.UUIDField(source="since.public_id")
    until_scan = serializers.UUIDField(
        source="until.public_id", default=None, help_text="The first that did not see it any more."
    )

    class Meta:
        model = Presence
        fields = (
            "branch_class",
            "target",
            "variant",
            "environment",
            "platform",
            "installed_version",
            "status",
            "path",
            "layer",
            "since_scan",
            "until_scan",
            "ended_at",
        )
        read_only_fields = fields


class FindingSerializer(serializers.ModelSerializer[Finding]):
    """Something found in a service."""

    id = serializers.UUIDField(source="public_id")
    service = serializers.SlugField(source="service.slug")
    severity = serializers.CharField(source="get_severity_display")
    state = serializers.ChoiceField(source="told_state", choices=Finding.State.choices)
    owner = serializers.CharField(source="owner.username", default=None)
    introduced_by = serializers.UUIDField(source="introduced_by.public_id", default=None)
    fixed_by = serializers.UUIDField(source="fixed_by.public_id", default=None)

    class Meta:
        model = Finding
        fields = (
            "id",
            "service",
            "kind",
            "target_class",
            "package",
            "name",
            "resource",
            "aliases",
            "severity",
            "severity_source",
            "cvss_score",
            "cvss_vector",
            "epss",
            "is_known_exploited",
            "title",
            "url",
            "fixed_version",
            "state",
            "waived_until",
            "owner",
            "due_at",
            "is_overdue",
            "environments",
            "first_seen_at",
            "fixed_at",
            "fixed_by",
            "reopened_at",
            "times_reopened",
            "introduced_by",
            "layer_digest",
            "instruction",
            "is_from_base",
            "base",
        )
        read_only_fields = fields


class FindingEventSerializer(serializers.ModelSerializer[FindingEvent]):
    """One thing that happened to a finding."""

    scan = serializers.UUIDField(source="scan.public_id", default=None)
    build = serializers.UUIDField(source="build.public_id", default=None)
    waiver = serializers.UUIDField(source="waiver.public_id", default=None)
    actor = serializers.CharField(help_text="Who did it; empty if scans or time did.")

    class Meta:
        model = FindingEvent
        fields = ("at", "kind", "scan", "build", "waiver", "actor", "note")
        read_only_fields = fields


class FindingOwnerSerializer(serializers.Serializer[Any]):
    """Who sees to a finding."""

    owner = serializers.CharField(
        allow_null=True, max_length=150, help_text="Name of a member of the project, or null."
    )


class FindingDetailSerializer(FindingSerializer):
    """With where it was, from when to when, and what happened to it."""

    presences = serializers.SerializerMethodField()
    events = serializers.SerializerMethodField()

    class Meta(FindingSerializer.Meta):
        fields = (*FindingSerializer.Meta.fields, "presences", "events")  # type: ignore[assignment]
        read_only_fields = fields  # type: ignore[assignment]

    def get_events(self, finding: Finding) -> list[dict[str, Any]]:
        """What happened, the first thing first; the last 200 of it."""
        return list(FindingEventSerializer(events_of(finding), many=True).data)

    def get_presences(self, finding: Finding) -> list[dict[str, Any]]:
        """The images in which it is or was, those where it is first."""
        return list(PresenceSerializer(finding.presences.in_order(), many=True).data)
