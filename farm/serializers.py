"""What the API takes and gives about builds that the server starts."""

from typing import Any

from rest_framework import serializers

from farm import addresses
from farm.queueing import Wish


class TriggerSerializer(serializers.Serializer[Any]):
    """A build that is asked for; what is left out is what the service's source says."""

    service = serializers.SlugField(help_text="Slug of the service.")
    project = serializers.SlugField(
        required=False, help_text="Slug; needed where two of your projects have the service."
    )
    ref_name = serializers.CharField(
        required=False, default="", max_length=250, validators=[addresses.validate_ref]
    )
    revision = serializers.CharField(
        required=False, default="", max_length=64, validators=[addresses.validate_revision]
    )
    variant = serializers.CharField(
        required=False, default="", max_length=60, validators=[addresses.validate_name]
    )
    environment = serializers.CharField(
        required=False, default="", max_length=60, validators=[addresses.validate_name]
    )
    platforms = serializers.ListField(
        child=serializers.RegexField(
            r"^[a-z0-9]+/[a-z0-9]+(/[a-z0-9]+)?\Z", max_length=60, trim_whitespace=False
        ),
        required=False,
        default=list,
        max_length=10,
    )
    priority = serializers.IntegerField(required=False, default=0, min_value=-100, max_value=100)
    no_cache = serializers.BooleanField(required=False, default=False)
    no_cache_from = serializers.CharField(
        required=False,
        default="",
        max_length=200,
        validators=[addresses.validate_name],
        help_text="Stage from which on nothing is taken from the cache.",
    )
    verbose_cache = serializers.BooleanField(required=False, default=False)
    supersede = serializers.BooleanField(
        required=False,
        default=False,
        help_text="Cancel older queued builds of the same branch that ask for the same.",
    )

    def wish(self) -> Wish:
        """Return what was asked for."""
        said = self.validated_data
        names = Wish.__dataclass_fields__.keys() & said.keys()
        values = {name: said[name] for name in names} | {"trigger": "api"}
        return Wish(**values | {"platforms": tuple(said["platforms"])})
