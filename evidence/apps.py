"""The evidence app."""

from django.apps import AppConfig


class EvidenceConfig(AppConfig):
    """The audit trail for people and auditors, and dossiers of images."""

    name = "evidence"
