"""The app of base images."""

from django.apps import AppConfig

from builds.signals import build_deleted, build_recorded


class BasesConfig(AppConfig):
    """What images stand on, how far that is behind, what it brings along, and what is better."""

    name = "bases"

    def ready(self) -> None:
        """Listen for builds, which stand on something."""
        from bases.services import ask_for, forget

        build_recorded.connect(ask_for, dispatch_uid="bases.ask_for")
        build_deleted.connect(forget, dispatch_uid="bases.forget")
