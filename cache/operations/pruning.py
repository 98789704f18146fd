"""Prune of a builder's cache by age and size, and what next week's builds will pay for it."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db.models import Max, Sum
from django.utils import timezone

from buildinsights.templatetags.formats import duration, filesize
from buildkit.caching.matching import imported_layer, words_of, words_of_step
from buildkit.caching.pruning import HISTORY, Worth
from buildkit.caching.pruning import plan as chosen
from buildkit.caching.usage import Entry
from buildkit.model import StepKind
from buildkit.steps import parse_name
from builds.models import Step
from cache.models import Operation, StepDay
from cache.operations.builders import item as remembered
from cache.operations.builders import remove_from, row, usage_of
from cache.operations.plans import OnBehalf, Outcome, Plan
from cache.step_names import named

WEEKS = HISTORY / timedelta(weeks=1)


def plan(operation: Operation) -> Plan:
    """Choose what goes of the builder as it is now."""
    said = operation.parameters
    assert operation.builder  # noqa: S101  # a prune is of a builder
    entries, now = usage_of(operation.builder).entries, timezone.now()
    days, limit = said["older_than_days"], said["limit_bytes"]
    made = chosen(
        entries,
        now=now,
        older_than=timedelta(days=days) if days is not None else None,
        max_used_bytes=limit,
        worth=worth_of(entries),
    )
    notes = []
    if made.unknown:
        notes.append(f"Of {made.unknown} of them no build tells the worth: not counted.")
    if made.over_bytes:
        notes.append(f"{filesize(made.over_bytes)} over the limit cannot go: in use or shared.")
    return Plan(
        f"{len(made.going)} entries, {filesize(made.freed_bytes)}; next week's builds would spend "
        f"{duration(made.cost_seconds)} to make again what they used in the last four weeks.",
        ("Entry", "Size", "Last used", "Why"),
        [(*row(item.entry), item.reason) for item in made.going],
        tuple(notes),
        [remembered(item.entry) for item in made.going],
    )


def worth_of(entries: Iterable[Entry]) -> dict[str, Worth]:
    """Return what each entry that steps of recorded builds look like is worth, from sums by day."""
    by_words, by_layer = _known()
    found: dict[str, Worth] = {}
    for entry in entries:
        layer = imported_layer(entry)
        worth = by_layer.get(layer) if layer else by_words.get(words_of(entry.description))
        if worth:
            found[entry.id] = worth
    return found


def _known() -> tuple[dict[str, Worth], dict[str, Worth]]:
    """Return the worth of steps by their words and by their layers."""
    since = (timezone.now() - HISTORY).date()
    rows = list(
        StepDay.objects.filter(day__gt=since)
        .order_by()
        .values("service_id", "identity")
        .annotate(
            hits=Sum("hits"),
            misses=Sum("misses"),
            executed=Sum("executed_seconds"),
            last=Max("last_build"),
        )
    )
    steps = named({(sums["service_id"], sums["identity"]): sums["last"] for sums in rows})
    by_words: dict[str, Worth] = {}
    by_layer: dict[str, Worth] = {}
    for sums in rows:
        if known := steps.get((sums["service_id"], sums["identity"])):
            worth = _worth(sums)
            words = _words(known.step)
            by_words[words] = _sum(by_words.get(words), worth)
            if layer := known.step.layer_digest:
                by_layer[layer] = _sum(by_layer.get(layer), worth)
    return by_words, by_layer


def _worth(sums: dict[str, Any]) -> Worth:
    """Weigh a step by its mean: the medians of days cannot be added up."""
    seconds = sums["executed"] / sums["misses"] if sums["misses"] else None
    return Worth(seconds, sums["hits"] / WEEKS)


def _sum(one: Worth | None, other: Worth) -> Worth:
    """Add the hits of steps that look the same; each hit is weighed by the costlier."""
    if one is None:
        return other
    seconds = [worth.seconds for worth in (one, other) if worth.seconds is not None]
    return Worth(max(seconds, default=None), one.hits_a_week + other.hits_a_week)


def _words(step: Step) -> str:
    return words_of_step(StepKind(step.kind), step.name, parse_name(step.name).instruction)


def carry_out(operation: Operation, _actor: OnBehalf) -> Outcome:
    """Remove exactly the entries of the plan that are still there and not in use."""
    assert operation.builder  # noqa: S101  # a prune is of a builder
    found = remove_from(operation.builder, operation.items)
    gone, freed = len(found.done.gone), filesize(found.done.freed_bytes)
    return Outcome(f"Removed {gone} entries, {freed}.", found.told())
