"""The app of trust policies and verifications."""

from django.apps import AppConfig


class TrustConfig(AppConfig):
    """Whose signatures count where, and which images were found to be trusted."""

    name = "trust"
