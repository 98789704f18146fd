"""The app of base images."""

from django.apps import AppConfig

from builds.signals import build_deleted, build_recorded
from farm.signals import command_ended, retried


class BasesConfig(AppConfig):
    """What images stand on, how far that is behind, what it brings along, and what is better."""

    name = "bases"

    def ready(self) -> None:
        """Listen for builds, which stand on something, and for updates that are tried."""
        from bases.services import ask_for, forget
        from bases.updating import follow_retry, take_result

        build_recorded.connect(ask_for, dispatch_uid="bases.ask_for")
        build_deleted.connect(forget, dispatch_uid="bases.forget")
        command_ended.connect(take_result, dispatch_uid="bases.take_result")
        retried.connect(follow_retry, dispatch_uid="bases.follow_retry")
