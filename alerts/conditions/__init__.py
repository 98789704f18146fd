"""Kinds of rules, a module each, with one contract."""

from collections.abc import Mapping

from alerts.conditions import (
    budget,
    change,
    hit_ratio,
    missing,
    policy,
    queue,
    storage,
    success,
    threshold,
    vulnerability,
)
from alerts.conditions.contract import Condition, Observation, Parameters, Wanted, Window

CONDITIONS: Mapping[str, Condition] = {
    "change": change.CONDITION,
    "threshold": threshold.CONDITION,
    "success": success.CONDITION,
    "hit_ratio": hit_ratio.CONDITION,
    "budget": budget.CONDITION,
    "queue": queue.CONDITION,
    "storage": storage.CONDITION,
    "vulnerability": vulnerability.CONDITION,
    "policy": policy.CONDITION,
    "missing": missing.CONDITION,
}
"""By ``alerts.models.rule.Kind``."""

__all__ = ["CONDITIONS", "Condition", "Observation", "Parameters", "Wanted", "Window"]
