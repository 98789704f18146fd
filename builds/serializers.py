"""Builds on the wire; the field names are a contract (docs/api.md)."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from builds.labels import BadLabelError, checked
from builds.models import Build, Service, Step


class FailureSerializer(serializers.Serializer[Any]):
    """Why a build did not succeed."""

    vars()["class"] = serializers.CharField()
    evidence = serializers.CharField(help_text="The line that told the class.")
    fingerprint = serializers.CharField()
    step = serializers.CharField(allow_null=True, help_text="`vertex_digest` of the step.")
    message = serializers.CharField()


class BuildSerializer(serializers.ModelSerializer[Build]):
    """A build. Times are UTC, durations seconds, sizes bytes, ratios 0-1; null is unknown."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    url = serializers.SerializerMethodField()
    html_url = serializers.SerializerMethodField()
    service = serializers.SlugRelatedField(slug_field="slug", read_only=True)  # type: ignore[var-annotated]
    project = serializers.SlugRelatedField(slug_field="slug", read_only=True)  # type: ignore[var-annotated]
    platforms = serializers.ListField(child=serializers.CharField(), read_only=True)
    hit_ratio_steps = serializers.FloatField(read_only=True, allow_null=True)
    failure = serializers.SerializerMethodField()

    class Meta:
        model = Build
        fields = (
            "id",
            "url",
            "html_url",
            "project",
            "service",
            "target",
            "variant",
            "environment",
            "platforms",
            "status",
            "buildkit_ref",
            "trigger",
            "cache_to",
            "repository_url",
            "ref_name",
            "revision",
            "change_id",
            "author",
            "pipeline_name",
            "pipeline_run_id",
            "pipeline_run_url",
            "builder",
            "created_at",
            "started_at",
            "completed_at",
            "wall_seconds",
            "busy_seconds",
            "critical_path_seconds",
            "parallelism",
            "idle_seconds",
            "steps_total",
            "steps_cached",
            "cacheable_steps",
            "cacheable_cached",
            "hit_ratio_steps",
            "hit_ratio_time",
            "cache_state",
            "time_saved_seconds",
            "image_digest",
            "image_bytes",
            "has_provenance",
            "problems",
            "failure",
        )
        read_only_fields = fields

    def get_url(self, build: Build) -> str:
        """In this API."""
        return reverse("api:build-detail", args=[build.public_id], request=self._request)

    def get_html_url(self, build: Build) -> str:
        """The page for people."""
        args = [build.project.slug, build.public_id]
        return reverse("builds:detail", args=args, request=self._request)

    @extend_schema_field(FailureSerializer(allow_null=True))
    def get_failure(self, build: Build) -> dict[str, Any] | None:
        """Class, fingerprint, failing step and BuildKit's message; null without a failure."""
        if not build.failure_class:
            return None
        return {
            "class": build.failure_class,
            "evidence": build.failure_evidence,
            "fingerprint": build.failure_fingerprint,
            "step": build.failure_vertex or None,
            "message": build.failure_message,
        }

    @property
    def _request(self) -> Any:
        return self.context["request"]


class StepSerializer(serializers.ModelSerializer[Step]):
    """A step; ``inputs`` are vertex digests of steps of the same build."""

    inputs = serializers.SerializerMethodField()

    class Meta:
        model = Step
        fields = (
            "position",
            "vertex_digest",
            "name",
            "kind",
            "stage",
            "platform",
            "state",
            "started_at",
            "completed_at",
            "intervals",
            "busy_seconds",
            "slack_seconds",
            "critical",
            "what_if_seconds",
            "baseline_seconds",
            "inputs",
            "dockerfile_name",
            "dockerfile_line",
            "layer_digest",
            "layer_bytes",
            "transferred_bytes",
            "cpu_seconds",
            "memory_peak_bytes",
            "error",
        )
        read_only_fields = fields

    def get_inputs(self, step: Step) -> list[str]:
        """Vertex digests of the steps that this one needs."""
        digests: dict[int, str] = self.context["digests"]
        return [digests[position] for position in step.inputs if position in digests]


class StepLogSerializer(serializers.Serializer[Any]):
    """What one step printed."""

    position = serializers.IntegerField()
    vertex_digest = serializers.CharField()
    name = serializers.CharField()
    text = serializers.CharField()
    offsets_ms = serializers.ListField(child=serializers.IntegerField())
    clipped = serializers.BooleanField()


class CriticalPathSerializer(serializers.Serializer[Any]):
    """The longest path through the steps by busy time."""

    seconds = serializers.FloatField()
    steps = StepSerializer(many=True)


class ServiceSerializer(serializers.ModelSerializer[Service]):
    """A service."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    project = serializers.SlugRelatedField(slug_field="slug", read_only=True)  # type: ignore[var-annotated]
    labels = serializers.DictField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = Service
        fields = ("id", "project", "name", "slug", "repository_url", "labels", "created_at")
        read_only_fields = fields


class LabelsSerializer(serializers.Serializer[Any]):
    """All labels of a service."""

    labels = serializers.DictField(child=serializers.CharField())

    def validate_labels(self, labels: dict[str, str]) -> dict[str, str]:
        """Refuse what is no label."""
        return _labels(labels)


class LabelChangesSerializer(serializers.Serializer[Any]):
    """Some labels of a service; those with null are taken away."""

    labels = serializers.DictField(child=serializers.CharField(allow_null=True))

    def validate_labels(self, labels: dict[str, str | None]) -> dict[str, str | None]:
        """Refuse what is no label."""
        _labels({key: value for key, value in labels.items() if value is not None})
        return labels


def _labels(labels: dict[str, str]) -> dict[str, str]:
    try:
        return checked(labels)
    except BadLabelError as error:
        raise serializers.ValidationError(str(error), code=error.code) from error
