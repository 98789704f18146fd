"""Explanations for machines."""

from typing import Any

from rest_framework import serializers

from buildkit.explaining import Cause, Confidence
from cache.models import Explanation


class ReasonSerializer(serializers.Serializer[Any]):
    """Why one step ran."""

    vertex_digest = serializers.CharField()
    name = serializers.CharField()
    dockerfile_line = serializers.IntegerField(allow_null=True)
    cause = serializers.ChoiceField(choices=[(item.value, item.value) for item in Cause])
    confidence = serializers.ChoiceField(choices=[(item.value, item.value) for item in Confidence])
    first = serializers.CharField(help_text="`vertex_digest` of the step that began the chain.")
    seconds = serializers.FloatField(help_text="Busy time of the step.")
    evidence = serializers.ListField(child=serializers.CharField())
    missing = serializers.ListField(
        child=serializers.CharField(), help_text="What was not recorded and would tell more."
    )


class ExplanationSerializer(serializers.Serializer[Any]):
    """Why the steps of a build ran; what runs in every build is left out."""

    state = serializers.ChoiceField(choices=Explanation.State.choices)
    against = serializers.UUIDField(allow_null=True, help_text="The build that it is held against.")
    missing = serializers.ListField(child=serializers.CharField())
    steps = ReasonSerializer(many=True)
