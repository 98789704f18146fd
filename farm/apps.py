"""The app of builds that the server starts."""

from django.apps import AppConfig


class FarmConfig(AppConfig):
    """Sources, the queue, builders and workers."""

    name = "farm"
