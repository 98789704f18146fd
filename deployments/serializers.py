"""Deployments on the wire."""

from typing import Any

from rest_framework import serializers

from buildkit.registry.reference import is_digest
from buildkit.values import as_web_address
from deployments.models import Deployment
from policies.models import Verdict
from policies.serializers import label_of


class VerdictThenSerializer(serializers.ModelSerializer[Verdict]):
    """What a policy had said of the image for that environment by then."""

    id = serializers.UUIDField(source="public_id")
    verdict = serializers.ChoiceField(source="outcome", choices=Verdict.Outcome.choices)
    policy = serializers.SerializerMethodField(help_text="`slug@version`, or `built-in`.")

    class Meta:
        model = Verdict
        fields = ("id", "verdict", "policy", "at")
        read_only_fields = fields

    def get_policy(self, verdict: Verdict) -> str:
        """Which policy, in which version."""
        return label_of(verdict)


class DeploymentSerializer(serializers.ModelSerializer[Deployment]):
    """That an image was put into an environment."""

    id = serializers.UUIDField(source="public_id")
    project = serializers.SlugField(source="project.slug")
    service = serializers.SlugField(source="service.slug", default=None)
    build = serializers.UUIDField(source="build.public_id", default=None)
    is_waiting = serializers.SerializerMethodField(help_text="No build of its image is known.")
    verdict = VerdictThenSerializer(
        allow_null=True,
        help_text="The newest for its environment when it was deployed; null: none was kept.",
    )

    class Meta:
        model = Deployment
        fields = (
            "id",
            "project",
            "digest",
            "environment",
            "status",
            "deployed_at",
            "deployed_by",
            "url",
            "service",
            "target",
            "build",
            "is_waiting",
            "verdict",
            "reported_by",
            "received_at",
        )
        read_only_fields = fields

    def get_is_waiting(self, deployment: Deployment) -> bool:
        """Whether it waits for a build of its image."""
        return deployment.build_id is None


class TellDeploymentSerializer(serializers.Serializer[Any]):
    """A deployment that took place."""

    digest = serializers.CharField(max_length=80, help_text="`sha256:` and 64 hex digits.")
    environment = serializers.CharField(max_length=60)
    deployed_at = serializers.DateTimeField(
        required=False,
        help_text="Without it, now. With it the same again is the same deployment.",
    )
    status = serializers.ChoiceField(
        choices=Deployment.Status.choices, default=Deployment.Status.SUCCEEDED
    )
    service = serializers.CharField(
        max_length=100, default="", allow_blank=True, help_text="If no build of the image is known."
    )
    target = serializers.CharField(
        max_length=200, default="", allow_blank=True, help_text="Likewise."
    )
    url = serializers.CharField(
        max_length=500, default="", allow_blank=True, help_text="Of the job that deployed it."
    )
    deployed_by = serializers.CharField(
        max_length=200, default="", allow_blank=True, help_text="The person."
    )

    def validate_digest(self, digest: str) -> str:
        """Refuse what is no digest."""
        if not is_digest(digest):
            raise serializers.ValidationError("Must be sha256: and 64 hex digits.")
        return digest

    def validate_url(self, url: str) -> str:
        """Refuse what must not become a link."""
        if url and not as_web_address(url):
            raise serializers.ValidationError("Must be an address that begins with http(s)://.")
        return url
