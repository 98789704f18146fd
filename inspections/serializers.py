"""Inspections and BuildKit's checks on the wire."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from inspections.models import CheckResult, Inspection, Rule


class EvidenceSerializer(serializers.Serializer[dict[str, Any]]):
    """One place in an image."""

    place = serializers.CharField()
    detail = serializers.CharField()
    layer = serializers.CharField()
    instruction = serializers.CharField()
    severity = serializers.CharField()


class CheckResultSerializer(serializers.ModelSerializer[CheckResult]):
    """What came of one check."""

    id = serializers.CharField(source="check_id")
    severity = serializers.CharField(source="get_severity_display")
    evidence = EvidenceSerializer(many=True)
    since_inspection = serializers.UUIDField(
        source="since.public_id", default=None, help_text="The first in a row for which it fails."
    )
    since_build = serializers.UUIDField(source="since.build.public_id", default=None)

    class Meta:
        model = CheckResult
        fields = (
            "id",
            "title",
            "outcome",
            "severity",
            "message",
            "remediation",
            "evidence",
            "count",
            "since_inspection",
            "since_build",
        )
        read_only_fields = fields


class InspectionSerializer(serializers.ModelSerializer[Inspection]):
    """A look at an image."""

    id = serializers.UUIDField(source="public_id")
    project = serializers.SlugField(source="project.slug")
    service = serializers.SlugField(source="service.slug", default=None)
    build = serializers.UUIDField(source="build.public_id", default=None)
    image_digest = serializers.CharField(source="image.digest", default=None)
    html_url = serializers.SerializerMethodField()
    is_waiting = serializers.SerializerMethodField(
        help_text="No build is known that made its image: nothing is told over time yet."
    )

    class Meta:
        model = Inspection
        fields = (
            "id",
            "html_url",
            "project",
            "service",
            "build",
            "image_name",
            "image_digest",
            "digests",
            "source",
            "platform",
            "target",
            "variant",
            "environment",
            "is_production",
            "is_complete",
            "problem",
            "is_waiting",
            "is_late",
            "came",
            "went",
            "tool_version",
            "inspected_at",
            "received_at",
        )
        read_only_fields = fields

    def get_html_url(self, inspection: Inspection) -> str:
        """Address of its page."""
        path = inspection.get_absolute_url()
        request = self.context.get("request")
        return request.build_absolute_uri(path) if request else path

    def get_is_waiting(self, inspection: Inspection) -> bool:
        """Whether it waits for a build of its image."""
        return inspection.lineage_id is None


class InspectionDetailSerializer(InspectionSerializer):
    """With what the image's configuration says, and the results of all checks."""

    checks = serializers.SerializerMethodField()

    class Meta(InspectionSerializer.Meta):
        fields = (*InspectionSerializer.Meta.fields, "config", "checks")  # type: ignore[assignment]
        read_only_fields = fields  # type: ignore[assignment]

    @extend_schema_field(CheckResultSerializer(many=True))
    def get_checks(self, inspection: Inspection) -> Any:
        """The results, in the order of the checks."""
        results = inspection.results.select_related("since__build")
        return CheckResultSerializer(results, many=True).data


class TakenSerializer(serializers.Serializer[Any]):
    """The answer to a document."""

    id = serializers.UUIDField()
    url = serializers.CharField()
    duplicate = serializers.BooleanField(help_text="The same was sent before.")


class RulePlaceSerializer(serializers.Serializer[dict[str, Any]]):
    """Where a rule is broken; lines are pairs of first and last."""

    detail = serializers.CharField()
    file = serializers.CharField()
    lines = serializers.ListField(child=serializers.ListField(child=serializers.IntegerField()))


class RuleSerializer(serializers.ModelSerializer[Rule]):
    """A rule of BuildKit's checks that a service's Dockerfile breaks, or has broken."""

    service = serializers.SlugField(source="service.slug")
    first_build = serializers.UUIDField(source="first_build.public_id", default=None)
    last_build = serializers.UUIDField(source="last_build.public_id", default=None)
    places = RulePlaceSerializer(many=True)
    is_broken = serializers.BooleanField(
        help_text="Whether the newest look at the target found it, too."
    )

    class Meta:
        model = Rule
        fields = (
            "service",
            "target",
            "name",
            "description",
            "url",
            "is_broken",
            "count",
            "places",
            "first_at",
            "first_build",
            "last_at",
            "last_build",
        )
        read_only_fields = fields


class LintTakenSerializer(serializers.Serializer[Any]):
    """The answer to a document of BuildKit's checks."""

    id = serializers.UUIDField()
    rules = serializers.DictField(child=serializers.IntegerField())
