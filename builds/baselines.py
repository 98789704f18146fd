"""What each step usually takes, and what the cache was therefore worth to a build."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median

from django.db import connection

from buildkit.model import CACHEABLE_KINDS, Step, StepState
from builds.models import StepBaseline

WINDOW = 20
"""How many executed durations make a baseline (docs/metrics.md)."""

COLD_BELOW, WARM_ABOVE = 0.1, 0.9


@dataclass(frozen=True, slots=True)
class CacheWorth:
    """What the cache did for one build, by time.

    ``hit_ratio_time`` = Σ baseline of cached ÷ (Σ baseline of cached + Σ busy of executed);
    ``time_saved_seconds`` = Σ baseline of cached. ``None`` while no cached step has a baseline.
    """

    hit_ratio_time: float | None
    time_saved_seconds: float | None
    cache_state: str


def cache_worth(steps: Iterable[Step], baselines: Mapping[str, float]) -> CacheWorth:
    """Weigh a build's cacheable steps by what they usually take."""
    cacheable = [step for step in steps if step.kind in CACHEABLE_KINDS]
    cached = [step for step in cacheable if step.state == StepState.CACHED]
    ran = {StepState.EXECUTED, StepState.FAILED}
    executed = sum(step.busy_seconds for step in cacheable if step.state in ran)
    known = [baselines[step.identity] for step in cached if step.identity in baselines]
    saved = sum(known) if known or not cached else None
    ratio = _ratio(saved, executed, some_cached=bool(cached))
    return CacheWorth(ratio, saved, _state(ratio))


def _ratio(saved: float | None, executed: float, *, some_cached: bool) -> float | None:
    if some_cached and executed == 0:
        return 1.0
    if saved is None or saved + executed == 0:
        return None
    return saved / (saved + executed)


def _state(ratio: float | None) -> str:
    if ratio is None:
        return ""
    if ratio < COLD_BELOW:
        return "cold"
    return "warm" if ratio > WARM_ABOVE else "partial"


@dataclass(slots=True)
class History:
    """Executed durations of one identity: (start of build, build, seconds), ascending."""

    entries: list[tuple[float, int, float]]

    def before(self, started: float, build_id: int) -> float | None:
        """Return the median of the last ``WINDOW`` durations of earlier builds."""
        earlier = [
            seconds
            for begun, build, seconds in self.entries
            if build != build_id and begun <= started
        ]
        return median(earlier[-WINDOW:]) if earlier else None

    def with_run(self, started: float, build_id: int, seconds: float | None) -> "History":
        """Return the history in which ``build_id`` took ``seconds`` (``None``: it did not run)."""
        kept = [entry for entry in self.entries if entry[1] != build_id]
        if seconds is not None:
            kept.append((started, build_id, seconds))
        return History(sorted(kept)[-WINDOW:])


def load_histories(service_id: int, identities: Iterable[str]) -> dict[str, History]:
    """Read the histories of those identities of one service; unknown ones are left out."""
    rows = StepBaseline.objects.filter(
        service_id=service_id, identity__in=sorted(set(identities))
    ).values_list("identity", "started", "build_ids", "durations")
    return {
        identity: History(list(zip(started, build_ids, durations, strict=True)))
        for identity, started, build_ids, durations in rows
    }


UPSERT = """
INSERT INTO builds_stepbaseline (service_id, identity, started, build_ids, durations)
VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (service_id, identity) DO UPDATE SET
    started = EXCLUDED.started, build_ids = EXCLUDED.build_ids, durations = EXCLUDED.durations
"""


def save_histories(service_id: int, histories: Mapping[str, History]) -> None:
    """Write histories, sorted by identity so that two writers lock rows in the same order."""
    rows = []
    for identity in sorted(histories):
        started, build_ids, durations = zip(*histories[identity].entries, strict=True) or ((),) * 3
        rows.append((service_id, identity, list(started), list(build_ids), list(durations)))
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(UPSERT, rows)


def executed_seconds(steps: Iterable[Step]) -> dict[str, float]:
    """Return busy seconds by identity of the cacheable steps that ran to their end here."""
    return {
        step.identity: step.busy_seconds
        for step in steps
        if step.kind in CACHEABLE_KINDS and step.state == StepState.EXECUTED
    }
