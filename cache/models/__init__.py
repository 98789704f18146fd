"""What is known of the build cache."""

from cache.models.act import CacheAct
from cache.models.explanation import Explanation, StepReason
from cache.models.rollup import CacheDay, MissDay, ReferenceDay, StaleDay, StepDay
from cache.models.storage import BuilderEntries, BuilderSnapshot, Eviction

__all__ = [
    "BuilderEntries",
    "BuilderSnapshot",
    "CacheAct",
    "CacheDay",
    "Eviction",
    "Explanation",
    "MissDay",
    "ReferenceDay",
    "StaleDay",
    "StepDay",
    "StepReason",
]
