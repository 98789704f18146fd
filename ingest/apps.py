"""The ingest app."""

from django.apps import AppConfig


class IngestConfig(AppConfig):
    """The one way in."""

    name = "ingest"
