"""The app of builders."""

from django.apps import AppConfig

from builds.signals import build_deleted, build_recorded


class ResourcesConfig(AppConfig):
    """What builders have, what builds take of it, and what they cost each other."""

    name = "resources"

    def ready(self) -> None:
        """Listen for builds that were on a builder."""
        from resources.services import forget, note

        build_recorded.connect(note, dispatch_uid="resources.note")
        build_deleted.connect(forget, dispatch_uid="resources.forget")
