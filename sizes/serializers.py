"""Sizes and images for machines."""

from typing import Any
from uuid import UUID

from rest_framework import serializers

from buildkit.contents import Reason
from sizes.models import ImageContents


class GroupSerializer(serializers.Serializer[Any]):
    """Images that may be held against each other; ``number`` is what the parameter takes."""

    number = serializers.IntegerField()
    target = serializers.CharField()
    variant = serializers.CharField()
    platform = serializers.CharField()


class ImageDaySerializer(serializers.Serializer[Any]):
    """The last image of a day."""

    day = serializers.DateField()
    size_bytes = serializers.IntegerField()


class GrowthSerializer(serializers.Serializer[Any]):
    """Growth over some days, or since the first image if that is later; null of a single image."""

    days = serializers.IntegerField()
    since = serializers.DateTimeField(allow_null=True)
    delta_bytes = serializers.IntegerField(allow_null=True)


class InstructionSerializer(serializers.Serializer[Any]):
    """What an instruction adds to the newest image."""

    instruction = serializers.CharField(source="stair.instruction")
    name = serializers.CharField(source="stair.name")
    size_bytes = serializers.IntegerField()
    share = serializers.FloatField(allow_null=True)
    since = serializers.DateTimeField(source="stair.at")
    build = serializers.UUIDField(source="stair.build.public_id")
    growths = serializers.ListField(
        child=serializers.IntegerField(allow_null=True), help_text="Bytes, for each of `growths`."
    )


class SizeChangeSerializer(serializers.Serializer[Any]):
    """The first build with which an instruction added another size; null: it was not there."""

    instruction = serializers.CharField(source="stair.instruction")
    name = serializers.CharField(source="stair.name")
    at = serializers.DateTimeField(source="stair.at")
    build = serializers.UUIDField(source="build.public_id")
    revision = serializers.CharField(source="build.revision")
    ref_name = serializers.CharField(source="build.ref_name")
    change_id = serializers.CharField(source="build.change_id")
    author = serializers.CharField(source="build.author")
    before_bytes = serializers.IntegerField(source="stair.before_bytes", allow_null=True)
    after_bytes = serializers.IntegerField(source="stair.after_bytes", allow_null=True)
    delta_bytes = serializers.IntegerField(source="stair.delta_bytes")
    images = serializers.IntegerField(source="held", help_text="With this size.")


class NewestSerializer(serializers.Serializer[Any]):
    """The newest image of a group."""

    digest = serializers.CharField(source="image.digest")
    size_bytes = serializers.IntegerField()
    at = serializers.DateTimeField()
    build = serializers.UUIDField(source="build.public_id")
    images = serializers.IntegerField(source="number", help_text="Of this group, so far.")


class DevelopmentToolSerializer(serializers.Serializer[Any]):
    """A development tool; bytes are null where only an instruction tells of it."""

    name = serializers.CharField()
    evidence = serializers.CharField()
    advice = serializers.CharField()
    instruction = serializers.CharField()
    bytes = serializers.IntegerField(allow_null=True)


class SisterSerializer(serializers.Serializer[Any]):
    """The newest image of a service on the same base; bytes by kind of instruction."""

    service = serializers.CharField(source="service.slug")
    group = serializers.CharField()
    total_bytes = serializers.IntegerField()
    from_bytes = serializers.IntegerField(source="sizes.FROM")
    run_bytes = serializers.IntegerField(source="sizes.RUN")
    copy_bytes = serializers.IntegerField(source="sizes.COPY")
    other_bytes = serializers.IntegerField(source="sizes.other")


class BaseSerializer(serializers.Serializer[Any]):
    """A smaller base of the same family, as a build of the project has measured it."""

    name = serializers.CharField()
    size_bytes = serializers.IntegerField()
    saved_bytes = serializers.IntegerField()
    build = serializers.UUIDField(source="build.public_id")
    was_here = serializers.BooleanField(help_text="Whether this service was built on it.")


class SizesSerializer(serializers.Serializer[Any]):
    """What made the images of a service grow; sizes are of compressed layers."""

    groups = GroupSerializer(many=True)
    group = serializers.IntegerField(allow_null=True, help_text="The one that is told of.")
    newest = NewestSerializer(allow_null=True)
    growths = GrowthSerializer(many=True)
    days = ImageDaySerializer(many=True)
    instructions = InstructionSerializer(many=True)
    changes = SizeChangeSerializer(many=True)
    is_production = serializers.BooleanField()
    findings = DevelopmentToolSerializer(many=True)
    base = serializers.CharField(source="base.instruction", default=None, allow_null=True)
    sisters = SisterSerializer(many=True)
    bases = BaseSerializer(many=True)


class WasteSerializer(serializers.Serializer[Any]):
    """A file that a later layer replaces or removes."""

    path = serializers.CharField()
    bytes = serializers.IntegerField()
    reason = serializers.ChoiceField(choices=[reason.value for reason in Reason])
    instruction = serializers.CharField(help_text="That brought it.")
    by = serializers.CharField(help_text="The instruction that hides it.")


class ToolSerializer(serializers.Serializer[Any]):
    """A development tool that the image has."""

    name = serializers.CharField()
    why = serializers.CharField(help_text="Why it need not be there.")
    bytes = serializers.IntegerField()
    files = serializers.IntegerField()
    path = serializers.CharField(help_text="Its largest file.")
    instruction = serializers.CharField(help_text="That brought it.")


class ContentsSerializer(serializers.ModelSerializer[ImageContents]):
    """What lies in an image's layers; bytes are not compressed, null is not known."""

    wasted = WasteSerializer(many=True)
    tools = ToolSerializer(many=True)

    class Meta:
        model = ImageContents
        fields = ("total_bytes", "wasted_bytes", "wasted", "tools", "read_at", "error")
        read_only_fields = fields


class ImageLineSerializer(serializers.Serializer[Any]):
    """The newest image of a service, target, variant and platform."""

    digest = serializers.CharField(source="row.image.digest")
    project = serializers.CharField(source="row.service.project.slug")
    service = serializers.CharField(source="row.service.slug")
    target = serializers.CharField(source="row.target")
    variant = serializers.CharField(source="row.variant")
    platform = serializers.CharField(source="row.platform")
    size_bytes = serializers.IntegerField(source="row.size_bytes", help_text="Compressed layers.")
    growth_bytes = serializers.IntegerField(
        allow_null=True, help_text="In 30 days, or since the first image; null of a single one."
    )
    wasted_bytes = serializers.IntegerField(allow_null=True)
    tools = serializers.ListField(child=serializers.CharField(), allow_null=True)
    tools_bytes = serializers.IntegerField(allow_null=True)
    is_production = serializers.BooleanField(help_text="By its variant or environment.")
    at = serializers.DateTimeField(source="row.at")
    build = serializers.UUIDField(source="row.build.public_id")


class ImageLayerSerializer(serializers.Serializer[Any]):
    """What one instruction added."""

    created_by = serializers.CharField()
    digest = serializers.CharField()
    size_bytes = serializers.IntegerField(allow_null=True)
    layers = serializers.IntegerField()
    empty = serializers.BooleanField()


class ImageSerializer(serializers.Serializer[Any]):
    """An image: what each instruction added, which builds made it last, what lies in it."""

    digest = serializers.CharField(source="image.digest")
    project = serializers.CharField(source="image.project.slug")
    platform = serializers.CharField(source="image.platform")
    names = serializers.ListField(child=serializers.CharField(), source="image.names")
    size_bytes = serializers.IntegerField(source="image.size_bytes", allow_null=True)
    layers = ImageLayerSerializer(many=True, source="view.layers", default=())
    builds = serializers.SerializerMethodField(help_text="Those that made it last.")
    contents = ContentsSerializer(allow_null=True)
    is_production = serializers.BooleanField()
    findings = DevelopmentToolSerializer(many=True)

    def get_builds(self, page: dict[str, Any]) -> list[UUID]:
        """Ids of the builds that made it last, newest first."""
        return [build.public_id for build in page["builds"]]
