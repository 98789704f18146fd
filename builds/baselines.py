"""What each step usually takes, and what the cache was therefore worth to a build."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median

from django.db import connection

from buildkit.model import CACHEABLE_KINDS, Step, StepState

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


type Run = tuple[float, int, float]
"""Start of the build in epoch seconds, the build's key, busy seconds."""


@dataclass(frozen=True, slots=True)
class History:
    """Executed durations of one step identity, ascending by start of the build."""

    runs: tuple[Run, ...] = ()

    def before(self, started: float, build_id: int) -> float | None:
        """Return the median of the last ``WINDOW`` durations of earlier builds."""
        earlier = [
            seconds for begun, build, seconds in self.runs if build != build_id and begun <= started
        ]
        return median(earlier[-WINDOW:]) if earlier else None

    def with_run(self, started: float, build_id: int, seconds: float | None) -> "History":
        """Return the history in which ``build_id`` took ``seconds``; ``None``: it did not run."""
        runs = [run for run in self.runs if run[1] != build_id]
        if seconds is not None:
            runs.append((started, build_id, seconds))
        return History(tuple(sorted(runs)[-WINDOW:]))


SELECT = """
SELECT identity, runs::text FROM builds_stepbaseline
WHERE service_id = %s AND identity = ANY(%s)
"""


def load_histories(service_id: int, identities: Iterable[str]) -> dict[str, History]:
    """Read the histories of those identities of one service; unknown ones are left out."""
    with connection.cursor() as cursor:
        cursor.execute(SELECT, [service_id, list(set(identities))])
        return {name: History(tuple(map(tuple, json.loads(runs)))) for name, runs in cursor}


REPLACE = """
INSERT INTO builds_stepbaseline (service_id, identity, runs)
SELECT %s, identity, runs FROM jsonb_to_recordset(%s::jsonb) AS new (identity text, runs jsonb)
ORDER BY identity
ON CONFLICT (service_id, identity) DO UPDATE SET runs = EXCLUDED.runs
"""

APPEND = f"""
INSERT INTO builds_stepbaseline AS old (service_id, identity, runs)
SELECT %s, identity, runs FROM jsonb_to_recordset(%s::jsonb) AS new (identity text, runs jsonb)
ORDER BY identity
ON CONFLICT (service_id, identity) DO UPDATE SET runs =
    CASE WHEN jsonb_array_length(old.runs) < {WINDOW} THEN old.runs ELSE old.runs - 0 END
    || EXCLUDED.runs
"""  # noqa: S608


def save_changes(service_id: int, old: Mapping[str, History], new: Mapping[str, History]) -> None:
    """Write the histories that changed, sorted so that two writers lock in the same order.

    Nearly always a build is the latest of its service: then only its own runs are sent.
    """
    appended, replaced = [], []
    for identity, history in new.items():
        known = old.get(identity, History())
        if history == known:
            continue
        if history.runs and history.runs[:-1] == known.runs[1 - WINDOW :]:
            appended.append({"identity": identity, "runs": history.runs[-1:]})
        else:
            replaced.append({"identity": identity, "runs": history.runs})
    with connection.cursor() as cursor:
        for statement, rows in ((APPEND, appended), (REPLACE, replaced)):
            if rows:
                cursor.execute(statement, [service_id, json.dumps(rows)])


def executed_seconds(steps: Iterable[Step]) -> dict[str, float]:
    """Return busy seconds by identity of the cacheable steps that ran to their end here."""
    return {
        step.identity: step.busy_seconds
        for step in steps
        if step.kind in CACHEABLE_KINDS and step.state == StepState.EXECUTED
    }
