"""Caches: what a builder and registries keep, what it is worth, and what to do with it."""
