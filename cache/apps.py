"""The app of the build cache."""

from django.apps import AppConfig

from builds.signals import build_deleted, build_ended, build_recorded
from farm.signals import command_ended, command_starting


class CacheConfig(AppConfig):
    """What the cache is worth, and why steps ran."""

    name = "cache"

    def ready(self) -> None:
        """Listen for builds to explain and to count, and to those that run."""
        from cache.quarantines import hand_over, take_back
        from cache.services import ask_for, forget

        build_recorded.connect(ask_for, dispatch_uid="cache.ask_for")
        build_ended.connect(ask_for, dispatch_uid="cache.ask_for_ended")
        build_deleted.connect(forget, dispatch_uid="cache.forget")
        command_starting.connect(hand_over, dispatch_uid="cache.hand_over")
        command_ended.connect(take_back, dispatch_uid="cache.take_back")
