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


class WorthSerializer(serializers.Serializer[Any]):
    """What the cache did in some builds. Durations are seconds of steps; null is unknown."""

    builds = serializers.IntegerField()
    cold_builds = serializers.IntegerField()
    partial_builds = serializers.IntegerField()
    warm_builds = serializers.IntegerField()
    cacheable_steps = serializers.IntegerField()
    cached_steps = serializers.IntegerField()
    unweighed_steps = serializers.IntegerField()
    saved_seconds = serializers.FloatField()
    executed_seconds = serializers.FloatField()
    hit_ratio_steps = serializers.FloatField(allow_null=True)
    hit_ratio_time = serializers.FloatField(allow_null=True)


class WorthOfGroupSerializer(WorthSerializer):
    """The same of the builds with one value of what they are told apart by."""

    value = serializers.CharField(source="label")


class WorthOfWeekSerializer(WorthSerializer):
    """The same of the builds of one week; a week without any is left out."""

    first_day = serializers.DateField()


class StepSumsSerializer(serializers.Serializer[Any]):
    """Hits and misses of one step."""

    identity = serializers.CharField()
    name = serializers.CharField(source="step.step.name", default="")
    hits = serializers.IntegerField()
    misses = serializers.IntegerField()
    saved_seconds = serializers.FloatField()
    executed_seconds = serializers.FloatField()


class InvalidatorSerializer(serializers.Serializer[Any]):
    """A step with which chains of misses began, and why it ran."""

    identity = serializers.CharField(source="first_identity")
    name = serializers.CharField(source="step.step.name", default="")
    cause = serializers.CharField(source="first_cause")
    runs = serializers.IntegerField()
    lost_seconds = serializers.FloatField()


class ServiceCacheSerializer(serializers.Serializer[Any]):
    """The cache of a service, or of several, over a period, and over the one before."""

    first_day = serializers.DateField()
    last_day = serializers.DateField()
    now = WorthSerializer()
    before = WorthSerializer()
    weeks = WorthOfWeekSerializer(many=True, help_text="Of the last 26, oldest first.")
    by = serializers.CharField()
    groups = WorthOfGroupSerializer(many=True)
    invalidators = InvalidatorSerializer(many=True)
    steps = StepSumsSerializer(many=True)
