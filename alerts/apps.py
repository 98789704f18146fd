"""The app of alerts."""

from django.apps import AppConfig


class AlertsConfig(AppConfig):
    """What people are to know of without looking for it."""

    name = "alerts"
