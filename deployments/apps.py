"""The app of deployments."""

from django.apps import AppConfig

from builds.signals import build_recorded


class DeploymentsConfig(AppConfig):
    """Which image was put into which environment, when and by whom."""

    name = "deployments"

    def ready(self) -> None:
        """Listen for builds, of which an image may have been deployed already."""
        from deployments.services import AWAITING

        build_recorded.connect(AWAITING.place_those_of, dispatch_uid="deployments.awaiting")
