"""Two builds side by side: their totals, and their steps paired by identity."""

from dataclasses import dataclass
from typing import Any

from rest_framework import serializers

from builds.models import Build, Step

TOTALS = (
    "wall_seconds",
    "busy_seconds",
    "critical_path_seconds",
    "idle_seconds",
    "cacheable_steps",
    "cacheable_cached",
    "image_bytes",
)


@dataclass(frozen=True, slots=True)
class StepPair:
    """One step in both builds, or in one of them; ``delta_seconds`` is after minus before."""

    name: str
    before: Step | None
    after: Step | None

    @property
    def delta_seconds(self) -> float:
        """Busy seconds after minus before; a missing step took none."""
        return _busy(self.after) - _busy(self.before)

    @property
    def state_changed(self) -> bool:
        """Whether the step ended differently."""
        return (self.before and self.before.state) != (self.after and self.after.state)


@dataclass(frozen=True, slots=True)
class Comparison:
    """``before`` and ``after`` with totals and step pairs, largest change first."""

    before: Build
    after: Build
    totals: list[dict[str, Any]]
    pairs: list[StepPair]


def compare(before: Build, after: Build) -> Comparison:
    """Put two builds side by side."""
    pairs = pair_steps(list(Step.objects.of(before)), list(Step.objects.of(after)))
    pairs.sort(key=lambda pair: -abs(pair.delta_seconds))
    return Comparison(before, after, [_total(name, before, after) for name in TOTALS], pairs)


def pair_steps(before: list[Step], after: list[Step]) -> list[StepPair]:
    """Pair steps by identity, those of ``after`` first, then what ``after`` no longer has."""
    old = {step.identity: step for step in before}
    pairs = [StepPair(step.name, old.pop(step.identity, None), step) for step in after]
    return pairs + [StepPair(step.name, step, None) for step in old.values()]


def _total(name: str, before: Build, after: Build) -> dict[str, Any]:
    old, new = getattr(before, name), getattr(after, name)
    known = old is not None and new is not None
    return {
        "metric": name,
        "before": old,
        "after": new,
        "delta": new - old if known else None,
        "change_pct": 100 * (new - old) / old if known and old else None,
    }


def _busy(step: Step | None) -> float:
    return step.busy_seconds if step else 0.0


class TotalSerializer(serializers.Serializer[Any]):
    """One total in both builds."""

    metric = serializers.CharField()
    before = serializers.FloatField(allow_null=True)
    after = serializers.FloatField(allow_null=True)
    delta = serializers.FloatField(allow_null=True)
    change_pct = serializers.FloatField(allow_null=True)


class StepPairSerializer(serializers.Serializer[Any]):
    """One step in both builds."""

    name = serializers.CharField()
    state_before = serializers.CharField(source="before.state", default=None, allow_null=True)
    state_after = serializers.CharField(source="after.state", default=None, allow_null=True)
    seconds_before = serializers.FloatField(
        source="before.busy_seconds", default=None, allow_null=True
    )
    seconds_after = serializers.FloatField(
        source="after.busy_seconds", default=None, allow_null=True
    )
    delta_seconds = serializers.FloatField()


class ComparisonSerializer(serializers.Serializer[Any]):
    """Totals and steps of two builds."""

    before = serializers.UUIDField(source="before.public_id")
    after = serializers.UUIDField(source="after.public_id")
    totals = TotalSerializer(many=True)
    steps = StepPairSerializer(source="pairs", many=True)
