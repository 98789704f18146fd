"""What is known of the build cache."""

from cache.models.explanation import Explanation, StepReason
from cache.models.rollup import CacheDay, MissDay, ReferenceDay, StaleDay, StepDay
from cache.models.storage import BuilderEntries, BuilderSnapshot, Eviction

__all__ = [
    "BuilderEntries",
    "BuilderSnapshot",
    "CacheDay",
    "Eviction",
    "Explanation",
    "MissDay",
    "ReferenceDay",
    "StaleDay",
    "StepDay",
    "StepReason",
]
