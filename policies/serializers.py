"""How policies and verdicts look on the wire."""

from typing import Any

from rest_framework import serializers

from policies.choosing import BUILT_IN_NAME
from policies.dry_runs import DEFAULT_BUILDS, MOST_BUILDS, Tried
from policies.models import Policy, PolicyVersion, Verdict


class PolicyVersionSerializer(serializers.ModelSerializer[PolicyVersion]):
    """The rules of a policy from one change to the next."""

    rules = serializers.JSONField(source="document")

    class Meta:
        model = PolicyVersion
        fields = ("number", "rules", "text", "note", "author_name", "created_at")
        read_only_fields = fields


class PolicySerializer(serializers.ModelSerializer[Policy]):
    """A policy, where it holds, and the number of its newest version."""

    environments = serializers.SerializerMethodField()
    version = serializers.IntegerField(source="newest")

    class Meta:
        model = Policy
        fields: tuple[str, ...] = (
            "slug",
            "name",
            "environments",
            "is_default",
            "retired_at",
            "version",
        )
        read_only_fields = fields

    def get_environments(self, policy: Policy) -> list[str]:
        """Where it holds."""
        return [held.environment for held in policy.environments.all()]


class PolicyDetailSerializer(PolicySerializer):
    """A policy with all its versions, the newest first."""

    versions = PolicyVersionSerializer(many=True)

    class Meta(PolicySerializer.Meta):
        fields: tuple[str, ...] = (*PolicySerializer.Meta.fields, "versions")
        read_only_fields = fields


class PolicyWriteSerializer(serializers.Serializer[Any]):
    """A policy as it is to be. `text` are its rules in YAML or JSON."""

    name = serializers.CharField(max_length=100)
    environments = serializers.ListField(child=serializers.CharField(max_length=60), default=list)
    is_default = serializers.BooleanField(default=False)
    text = serializers.CharField()
    note = serializers.CharField(required=False, allow_blank=True, max_length=500)


class TryRulesSerializer(serializers.Serializer[Any]):
    """Rules to try on the newest `builds` that made an image, of an environment if one is named."""

    text = serializers.CharField()
    environment = serializers.CharField(required=False, allow_blank=True, max_length=60)
    builds = serializers.IntegerField(default=DEFAULT_BUILDS, min_value=1, max_value=MOST_BUILDS)


class PolicyReasonSerializer(serializers.Serializer[Any]):
    """Why an image does not pass a rule, or why that cannot be told."""

    rule = serializers.CharField()
    outcome = serializers.ChoiceField(choices=["fail", "unknown"])
    message = serializers.CharField()
    evidence = serializers.ListField(child=serializers.CharField())


class ExcuseSerializer(serializers.Serializer[Any]):
    """A finding that would have counted if it were not waived."""

    finding = serializers.CharField()
    by = serializers.CharField()
    until = serializers.CharField(allow_blank=True)


class ImageVerdictSerializer(serializers.ModelSerializer[Verdict]):
    """What a policy says of an image. `unknown`: nothing speaks against it, but evidence lacks."""

    id = serializers.UUIDField(source="public_id")
    verdict = serializers.ChoiceField(source="outcome", choices=Verdict.Outcome.choices)
    policy = serializers.SerializerMethodField(help_text="`slug@version`, or `built-in`.")
    reasons = PolicyReasonSerializer(source="said.reasons", many=True)
    waivers = ExcuseSerializer(source="said.waivers", many=True)
    passed = serializers.ListField(source="said.passed", child=serializers.CharField())
    url = serializers.SerializerMethodField(help_text="Its page; empty if it is not kept.")

    class Meta:
        model = Verdict
        fields: tuple[str, ...] = (
            "id",
            "verdict",
            "policy",
            "environment",
            "digest",
            "reasons",
            "waivers",
            "passed",
            "asked_by",
            "at",
            "confirmed_at",
            "url",
        )
        read_only_fields = fields

    def get_policy(self, verdict: Verdict) -> str:
        """Which policy, in which version."""
        return label_of(verdict)

    def get_url(self, verdict: Verdict) -> str:
        """Where people see it."""
        if verdict.pk is None:
            return ""
        path = verdict.get_absolute_url()
        request = self.context.get("request")
        return request.build_absolute_uri(path) if request else path


class ImageVerdictDetailSerializer(ImageVerdictSerializer):
    """A verdict with all that was looked at."""

    evidence = serializers.JSONField()

    class Meta(ImageVerdictSerializer.Meta):
        fields: tuple[str, ...] = (*ImageVerdictSerializer.Meta.fields, "evidence", "sha256")
        read_only_fields = fields


class TriedSerializer(serializers.Serializer[Tried]):
    """What would have been said of one build's image."""

    build = serializers.UUIDField(source="build.public_id")
    service = serializers.SlugField(source="build.service.slug")
    digest = serializers.CharField()
    verdict = serializers.CharField(source="verdict.outcome")
    reasons = serializers.SerializerMethodField()

    def get_reasons(self, tried: Tried) -> list[dict[str, Any]]:
        """Why it does not pass."""
        reasons: list[dict[str, Any]] = tried.verdict.as_dict()["reasons"]
        return reasons


class DryRunSerializer(serializers.Serializer[Any]):
    """What rules would have said of the newest builds that made an image."""

    outcomes = serializers.DictField(child=serializers.IntegerField())
    rules = serializers.DictField(
        child=serializers.IntegerField(), help_text="Builds that each rule would have failed."
    )
    builds = TriedSerializer(source="tried", many=True)
    asked = serializers.IntegerField(source="builds", help_text="Builds that were to be tried.")
    complete = serializers.BooleanField(
        source="is_whole", help_text="Whether there was time for all of them, the newest first."
    )


def label_of(verdict: Verdict) -> str:
    """Return the policy of a verdict with its version."""
    version = verdict.version
    return f"{version.policy.slug}@{version.number}" if version else BUILT_IN_NAME
