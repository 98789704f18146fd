"""Base images on the wire."""

from typing import Any

from rest_framework import serializers

from bases.lines import Line
from bases.models import BasePolicy, BaseUpdate, BaseUse


class BaseUseSerializer(serializers.ModelSerializer[BaseUse]):
    """That the newest build of a group stands on a base."""

    service = serializers.SlugField(source="service.slug")
    build = serializers.UUIDField(source="build.public_id")

    class Meta:
        model = BaseUse
        fields = (
            "service",
            "build",
            "target",
            "variant",
            "platform",
            "branch_class",
            "role",
            "stage",
            "is_pinned",
            "at",
            "size_bytes",
            "layers",
        )
        read_only_fields = fields


class BaseImageSerializer(serializers.Serializer[Any]):
    """A base: what stands on it, how far its tag has gone on, and what it brings along."""

    id = serializers.UUIDField(source="image.public_id")
    project = serializers.SlugField(source="image.project.slug")
    repository = serializers.CharField(source="image.repository.__str__")
    tag = serializers.CharField(source="image.tag")
    digest = serializers.CharField(source="image.digest")
    family = serializers.CharField(source="image.family")
    variant = serializers.CharField(source="image.variant")
    is_official = serializers.BooleanField(source="image.is_official")
    created_at = serializers.DateTimeField(
        source="image.created_at", allow_null=True, help_text="When it was made, if known."
    )
    first_seen_at = serializers.DateTimeField(source="image.first_seen_at")
    last_seen_at = serializers.DateTimeField(source="image.last_seen_at")
    looked_at = serializers.DateTimeField(
        source="image.repository.looked_at",
        allow_null=True,
        help_text="When its registry was asked last.",
    )
    newest_digest = serializers.CharField(
        source="drift.newest", help_text="What the tag means, as far as is known."
    )
    behind = serializers.IntegerField(
        source="drift.behind", help_text="Digests that the tag meant after this one."
    )
    behind_since = serializers.DateTimeField(source="drift.since", allow_null=True)
    inherited = serializers.SerializerMethodField(
        help_text="Open vulnerabilities of its layers by severity, each id once; null: no scan."
    )
    affected_services = serializers.SerializerMethodField()
    policy_breaches = serializers.ListField(source="breaches", child=serializers.CharField())
    uses = BaseUseSerializer(many=True)

    def get_inherited(self, line: Line) -> dict[str, int] | None:
        """How many by severity."""
        if not line.findings.is_known:
            return None
        return {severity.label: n for severity, n in sorted(line.findings.by_severity.items())}

    def get_affected_services(self, line: Line) -> int:
        """How many services have one of them."""
        return len(line.findings.services)


class ExpectedSerializer(serializers.Serializer[Any]):
    """The difference that a change makes; null is what was not measured."""

    size_bytes = serializers.IntegerField(allow_null=True)
    findings = serializers.IntegerField(allow_null=True)
    builds = serializers.IntegerField()
    scans = serializers.IntegerField()


class BaseProposalSerializer(serializers.Serializer[Any]):
    """A change of a base in one Dockerfile of a service."""

    service = serializers.SlugField(source="service.slug")
    targets = serializers.ListField(child=serializers.CharField())
    filename = serializers.CharField()
    kind = serializers.CharField(source="proposal.kind", help_text="digest, pin, tag or other")
    old = serializers.CharField(source="proposal.old.__str__")
    new = serializers.CharField(source="proposal.new.__str__")
    why = serializers.CharField(source="proposal.why")
    expected = ExpectedSerializer(source="proposal.expected")
    diff = serializers.CharField(help_text="For `git apply`; empty where no change is sure.")
    note = serializers.CharField(help_text="Why there is no diff, or what else is to be done.")


class BasePolicySerializer(serializers.ModelSerializer[BasePolicy]):
    """One version of what a project says of a repository of bases."""

    class Meta:
        model = BasePolicy
        fields = (
            "number",
            "owner",
            "allowed_until",
            "update_days",
            "text",
            "author",
            "made_at",
        )
        read_only_fields = ("number", "author", "made_at")


class BaseUpdateAskedSerializer(serializers.Serializer[Any]):
    """An update to try."""

    base_image = serializers.UUIDField(help_text="Id of the base that the service stands on.")
    service = serializers.SlugField(help_text="Slug of the service; it needs a source.")
    to = serializers.CharField(
        max_length=600, help_text="`new` of a proposal, or the name of an alternative."
    )


class BaseUpdateSerializer(serializers.ModelSerializer[BaseUpdate]):
    """An update that the server was asked to try, and what came of it."""

    id = serializers.UUIDField(source="public_id")
    project = serializers.SlugField(source="request.build.project.slug")
    service = serializers.SlugField(source="request.build.service.slug")
    base_image = serializers.UUIDField(source="image.public_id")
    old = serializers.CharField(source="image.__str__", help_text="The base before.")
    new = serializers.CharField(source="request.base_to", help_text="The base that is tried.")
    state = serializers.ChoiceField(choices=BaseUpdate.State.choices)
    has_patch = serializers.SerializerMethodField()
    revision = serializers.CharField(
        source="request.build.revision", help_text="Commit that was changed."
    )
    requested_by = serializers.CharField(source="request.requested_by")
    requested_at = serializers.DateTimeField(source="request.requested_at")
    ended_at = serializers.DateTimeField(source="request.ended_at", allow_null=True)
    build = serializers.UUIDField(
        source="request.build.public_id", help_text="Of the commit as it is."
    )
    changed_build = serializers.UUIDField(allow_null=True, help_text="With the change, once built.")

    class Meta:
        model = BaseUpdate
        fields: tuple[str, ...] = (
            "id",
            "project",
            "service",
            "base_image",
            "old",
            "new",
            "state",
            "verdict",
            "reasons",
            "has_patch",
            "note",
            "revision",
            "requested_by",
            "requested_at",
            "ended_at",
            "build",
            "changed_build",
        )
        read_only_fields: tuple[str, ...] = fields

    def get_has_patch(self, update: BaseUpdate) -> bool:
        """Whether there is a patch to download."""
        return bool(update.patch)


class BaseUpdateDetailSerializer(BaseUpdateSerializer):
    """The same, with what was said."""

    failure = serializers.CharField(
        source="request.build.failure_message", help_text="Of the build of the commit as it is."
    )
    said = serializers.CharField(
        source="request.said", help_text="End of what the command said, masked."
    )

    class Meta(BaseUpdateSerializer.Meta):
        fields = (*BaseUpdateSerializer.Meta.fields, "failure", "said")
        read_only_fields = fields
