"""The app of checks of images and Dockerfiles."""

from django.apps import AppConfig

from builds.signals import build_recorded


class InspectionsConfig(AppConfig):
    """What is wrong with images and Dockerfiles by their configuration, and since when."""

    name = "inspections"

    def ready(self) -> None:
        """Listen for builds, of which BuildKit may warn, and whose images may be known already."""
        from inspections.rules import note_build
        from inspections.services import AWAITING

        build_recorded.connect(note_build, dispatch_uid="inspections.note_build")
        build_recorded.connect(AWAITING.place_those_of, dispatch_uid="inspections.awaiting")
