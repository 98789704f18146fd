"""The app of scans and findings."""

from django.apps import AppConfig


class SecurityConfig(AppConfig):
    """What scanners found in images, since when, where it came from, and when it went."""

    name = "security"
