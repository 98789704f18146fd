"""The app of deployments."""

from django.apps import AppConfig

from builds.signals import build_recorded


class DeploymentsConfig(AppConfig):
    """Which image was put into which environment, when and by whom."""

    name = "deployments"

    def ready(self) -> None:
        """Listen for builds, of which an image may have been deployed already."""
        from deployments.services import place_those_of

        build_recorded.connect(place_those_of, dispatch_uid="deployments.place_those_of")
