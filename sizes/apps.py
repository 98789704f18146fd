"""The app of sizes and contents of images."""

from django.apps import AppConfig

from builds.signals import build_deleted, build_recorded
from trends.signals import measures_asked


class SizesConfig(AppConfig):
    """What is in images, what made them grow, since when, and what need not be there."""

    name = "sizes"

    def ready(self) -> None:
        """Listen for builds, which may have made images, and tell their uncompressed sizes."""
        from sizes.services import ask_for, forget
        from sizes.uncompressed import sizes_of_builds

        build_recorded.connect(ask_for, dispatch_uid="sizes.ask_for")
        build_deleted.connect(forget, dispatch_uid="sizes.forget")
        measures_asked.connect(sizes_of_builds, dispatch_uid="sizes.sizes_of_builds")
