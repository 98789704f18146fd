"""The reports app."""

from django.apps import AppConfig


class ReportsConfig(AppConfig):
    """Pages and dashboards."""

    name = "reports"
