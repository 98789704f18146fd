"""How channels and deliveries look on the wire. Secrets go in, and never come out."""

from typing import Any

from rest_framework import serializers

from channels.kinds import KINDS
from channels.models import Channel, Delivery


class ChannelSerializer(serializers.ModelSerializer[Channel]):
    """A channel; `destination` is where it leads, as far as anybody may know."""

    id = serializers.UUIDField(source="public_id")
    project = serializers.SlugField(source="project.slug")
    settings = serializers.DictField()

    class Meta:
        model = Channel
        fields: tuple[str, ...] = (
            "id",
            "project",
            "kind",
            "name",
            "destination",
            "settings",
            "is_on",
            "off_because",
            "failures",
            "created_at",
        )
        read_only_fields = fields


class MadeChannelSerializer(ChannelSerializer):
    """A new channel; `secret` is what signs a webhook, told this once, and empty for others."""

    secret = serializers.CharField()

    class Meta(ChannelSerializer.Meta):
        fields = (*ChannelSerializer.Meta.fields, "secret")
        read_only_fields = fields


class ChannelChangeSerializer(serializers.Serializer[Any]):
    """A channel as it is to be. A secret that is left out of `settings` stays as it is."""

    name = serializers.CharField(max_length=100)
    settings = serializers.DictField()


class ChannelWriteSerializer(ChannelChangeSerializer):
    """A channel to make. `settings` are those of its kind: /help/channels/ lists them."""

    kind = serializers.ChoiceField(choices=[(name, kind.label) for name, kind in KINDS.items()])


class ChannelSecretSerializer(serializers.Serializer[Any]):
    """A new secret; the former one signs until `previous_until`, too."""

    secret = serializers.CharField()
    previous_until = serializers.DateTimeField()


class DeliverySerializer(serializers.ModelSerializer[Delivery]):
    """One message to one receiver; without a channel it is an e-mail to `recipients`.

    Of an e-mail through a channel they are those who do not have it, once others do.
    """

    id = serializers.UUIDField(source="public_id")
    project = serializers.SlugField(source="project.slug")
    channel = serializers.UUIDField(source="channel.public_id", default=None, allow_null=True)
    message = serializers.DictField()
    next_at = serializers.DateTimeField(source="due_at", read_only=True)

    class Meta:
        model = Delivery
        fields = (
            "id",
            "project",
            "channel",
            "recipients",
            "key",
            "message",
            "state",
            "tries",
            "next_at",
            "error",
            "provider_id",
            "created_at",
            "sent_at",
        )
        read_only_fields = fields
