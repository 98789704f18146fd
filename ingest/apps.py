"""The ingest app."""

from django.apps import AppConfig

from builds.signals import build_recorded


class IngestConfig(AppConfig):
    """The one way in."""

    name = "ingest"

    def ready(self) -> None:
        """Listen for builds, of whose images reports may wait."""
        from ingest.tasks import AWAITING

        build_recorded.connect(AWAITING.place_those_of, dispatch_uid="ingest.awaiting")
