"""What is known of the build cache."""

from cache.models.explanation import Explanation, StepReason
from cache.models.rollup import CacheDay, MissDay, ReferenceDay, StaleDay, StepDay

__all__ = [
    "CacheDay",
    "Explanation",
    "MissDay",
    "ReferenceDay",
    "StaleDay",
    "StepDay",
    "StepReason",
]
