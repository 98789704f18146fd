"""The app of the build cache."""

from django.apps import AppConfig

from builds.signals import build_recorded


class CacheConfig(AppConfig):
    """Why steps ran."""

    name = "cache"

    def ready(self) -> None:
        """Listen for builds to explain."""
        from cache.services import ask_for

        build_recorded.connect(ask_for, dispatch_uid="cache.ask_for")
