"""The builds app."""

from django.apps import AppConfig


class BuildsConfig(AppConfig):
    """Services, builds and what is known of them."""

    name = "builds"
