"""The project package as an app: management commands, template filters, system checks."""

from django.apps import AppConfig


class BuildinsightsConfig(AppConfig):
    """Wiring."""

    name = "buildinsights"

    def ready(self) -> None:
        """Register the system checks."""
        from buildinsights import checks  # noqa: F401
