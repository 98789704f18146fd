"""The app of bills of materials."""

from django.apps import AppConfig

from builds.signals import build_recorded


class SbomsConfig(AppConfig):
    """Bills of materials, and the packages that they list."""

    name = "sboms"

    def ready(self) -> None:
        """Listen for builds, for whose images bills may wait."""
        from sboms.waiting import AWAITING

        build_recorded.connect(AWAITING.place_those_of, dispatch_uid="sboms.awaiting")
