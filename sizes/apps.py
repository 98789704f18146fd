"""The app of sizes and contents of images."""

from django.apps import AppConfig

from builds.signals import build_deleted, build_recorded


class SizesConfig(AppConfig):
    """What is in images, what made them grow, since when, and what need not be there."""

    name = "sizes"

    def ready(self) -> None:
        """Listen for builds, which may have made images."""
        from sizes.services import ask_for, forget

        build_recorded.connect(ask_for, dispatch_uid="sizes.ask_for")
        build_deleted.connect(forget, dispatch_uid="sizes.forget")
