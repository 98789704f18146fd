"""Sizes and images for machines."""

from typing import Any

from rest_framework import serializers


class GroupSerializer(serializers.Serializer[Any]):
    """Images that may be held against each other; ``number`` is what the parameter takes."""

    number = serializers.IntegerField()
    target = serializers.CharField()
    variant = serializers.CharField()
    platform = serializers.CharField()


class DaySerializer(serializers.Serializer[Any]):
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


class SizesSerializer(serializers.Serializer[Any]):
    """What made the images of a service grow; sizes are of compressed layers."""

    groups = GroupSerializer(many=True)
    group = serializers.IntegerField(allow_null=True, help_text="The one that is told of.")
    newest = NewestSerializer(allow_null=True)
    growths = GrowthSerializer(many=True)
    days = DaySerializer(many=True)
    instructions = InstructionSerializer(many=True)
    changes = SizeChangeSerializer(many=True)
