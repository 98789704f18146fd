"""Columns that tables of the database and frames share."""

SUMS = (
    "builds",
    "cold_builds",
    "partial_builds",
    "warm_builds",
    "cacheable_steps",
    "cached_steps",
    "unweighed_steps",
    "saved_seconds",
    "executed_seconds",
)
"""What is added up of the cache's work in a group of builds; counts, and seconds."""
