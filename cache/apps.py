"""The app of the build cache."""

from django.apps import AppConfig

from builds.signals import build_deleted, build_recorded


class CacheConfig(AppConfig):
    """What the cache is worth, and why steps ran."""

    name = "cache"

    def ready(self) -> None:
        """Listen for builds to explain and to count."""
        from cache.services import ask_for, forget

        build_recorded.connect(ask_for, dispatch_uid="cache.ask_for")
        build_deleted.connect(forget, dispatch_uid="cache.forget")
