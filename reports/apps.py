"""The reports app."""

from django.apps import AppConfig


class ReportsConfig(AppConfig):
    """Pages, dashboards and reports."""

    name = "reports"

    def ready(self) -> None:
        """Write the e-mails of scheduled reports."""
        from channels.composing import register
        from reports.scheduled.mail import compose
        from reports.scheduled.running import COMPOSER

        register(COMPOSER, compose)
