"""Trust policies and verifications on the wire."""

import json
from typing import Any

from rest_framework import serializers

from buildkit.registry import InvalidReferenceError, Reference
from buildkit.values import is_storable
from supplychain.trust.policy import Policy
from supplychain.trust.reading import MOST_BYTES, PolicyError, read_policy
from trust.models import TrustPolicyVersion, Verification

MOST_RESULT_BYTES = 512 * 1024
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$"


class TrustPolicySerializer(serializers.ModelSerializer[TrustPolicyVersion]):
    """A policy as its newest version has it."""

    id = serializers.UUIDField(source="policy.public_id")
    project = serializers.SlugField(source="policy.project.slug")
    name = serializers.CharField(source="policy.name")
    version = serializers.IntegerField(source="number")
    environments = serializers.ListField(
        child=serializers.CharField(), source="policy.environments"
    )
    document = serializers.DictField()
    author = serializers.CharField(source="author_name")

    class Meta:
        model = TrustPolicyVersion
        fields = (
            "id",
            "project",
            "name",
            "version",
            "environments",
            "document",
            "digest",
            "author",
            "created_at",
        )
        read_only_fields = fields


class SavePolicySerializer(serializers.Serializer[Any]):
    """A policy to keep as a new version."""

    name = serializers.RegexField(NAME)
    document = serializers.DictField()

    policy: Policy

    def validate_document(self, document: dict[str, Any]) -> dict[str, Any]:
        """Read the policy; each error has its place."""
        if len(json.dumps(document)) > MOST_BYTES:
            raise serializers.ValidationError(f"Has more than {MOST_BYTES} characters.")
        try:
            self.policy = read_policy(document, allow_files=False)
        except PolicyError as error:
            places: dict[str, list[str]] = {}
            for place, text in error.errors:
                places.setdefault(place, []).append(text)
            raise serializers.ValidationError(places) from error
        return document


class TrustReasonSerializer(serializers.Serializer[Any]):
    """Why an image is not trusted; the code is stable."""

    code = serializers.SlugField(max_length=60)
    message = serializers.CharField(max_length=2000)


class VerificationSerializer(serializers.ModelSerializer[Verification]):
    """That an image was held against a trust policy, and what came of it."""

    id = serializers.UUIDField(source="public_id")
    project = serializers.SlugField(source="project.slug")
    image = serializers.CharField(source="image_name")
    is_known = serializers.SerializerMethodField(help_text="A build here has made the image.")
    policy = serializers.CharField(source="policy_version.policy.name", default=None)
    policy_version = serializers.IntegerField(source="policy_version.number", default=None)
    reasons = TrustReasonSerializer(many=True)
    facts = serializers.DictField()
    inputs = serializers.DictField()

    class Meta:
        model = Verification
        fields = (
            "id",
            "project",
            "image",
            "digest",
            "is_known",
            "environment",
            "policy",
            "policy_version",
            "passed",
            "reasons",
            "facts",
            "inputs",
            "reported_by",
            "verified_at",
            "received_at",
        )
        read_only_fields = fields

    def get_is_known(self, verification: Verification) -> bool:
        """Whether the digest is that of an image of the project."""
        return verification.image_id is not None


class SendVerificationSerializer(serializers.Serializer[Any]):
    """A result to keep; without `passed` the server verifies the image itself."""

    id = serializers.UUIDField(required=False, help_text="Yours: the same again changes nothing.")
    image = serializers.CharField(max_length=600)
    digest = serializers.RegexField(r"^sha256:[0-9a-f]{64}$", required=False, allow_blank=True)
    environment = serializers.RegexField(NAME)
    policy = serializers.CharField(max_length=60, required=False, help_text="The server's.")
    policy_version = serializers.IntegerField(min_value=1, required=False)
    passed = serializers.BooleanField(required=False, allow_null=True, default=None)
    reasons = TrustReasonSerializer(many=True, required=False)
    facts = serializers.DictField(required=False)
    inputs = serializers.DictField(required=False)
    verified_at = serializers.DateTimeField(required=False)

    def validate_image(self, image: str) -> str:
        """Refuse what is no reference."""
        try:
            Reference.parse(image)
        except InvalidReferenceError as error:
            raise serializers.ValidationError(str(error)) from error
        return image

    def validate(self, said: dict[str, Any]) -> dict[str, Any]:
        """Refuse a result that contradicts itself, or is too large."""
        if said["passed"] is not None and said["passed"] == bool(said.get("reasons")):
            text = "A result without reasons passed, one with reasons did not."
            raise serializers.ValidationError({"reasons": [text]})
        for name in ("facts", "inputs"):
            if len(json.dumps(said.get(name, {}))) > MOST_RESULT_BYTES:
                raise serializers.ValidationError({name: ["Is too large."]})
            if not is_storable(said.get(name)):
                raise serializers.ValidationError({name: ["Has characters that cannot be kept."]})
        return said
