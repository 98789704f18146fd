"""What is known of the build cache."""

from cache.models.act import CacheAct
from cache.models.advice import Advised, LayerAdvice
from cache.models.explanation import Explanation, StepReason
from cache.models.operation import Operation
from cache.models.registry import (
    Quarantine,
    ReferenceSize,
    RegistryDay,
    RetentionPolicy,
)
from cache.models.rollup import CacheDay, MissDay, ReferenceDay, StaleDay, StepDay
from cache.models.storage import BuilderEntries, BuilderSnapshot, Eviction

__all__ = [
    "Advised",
    "BuilderEntries",
    "BuilderSnapshot",
    "CacheAct",
    "CacheDay",
    "Eviction",
    "Explanation",
    "LayerAdvice",
    "MissDay",
    "Operation",
    "Quarantine",
    "ReferenceDay",
    "ReferenceSize",
    "RegistryDay",
    "RetentionPolicy",
    "StaleDay",
    "StepDay",
    "StepReason",
]
