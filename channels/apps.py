"""The channels app."""

from django.apps import AppConfig


class ChannelsConfig(AppConfig):
    """Ways out."""

    name = "channels"
