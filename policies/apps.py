"""The app of policies and verdicts."""

from django.apps import AppConfig


class PoliciesConfig(AppConfig):
    """What an image must be to ship, and what was said of each that was asked about."""

    name = "policies"
