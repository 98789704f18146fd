"""The app of series and changes."""

from django.apps import AppConfig

from builds.signals import build_deleted, build_ended, build_recorded
from cache.signals import day_added_up


class TrendsConfig(AppConfig):
    """What got slower or larger, since which build, and by which step."""

    name = "trends"

    def ready(self) -> None:
        """Listen for builds that belong to series, and for days that are added up."""
        from trends.days import roll_up
        from trends.services import ask_for, forget

        build_recorded.connect(ask_for, dispatch_uid="trends.ask_for")
        build_ended.connect(ask_for, dispatch_uid="trends.ask_for_ended")
        build_deleted.connect(forget, dispatch_uid="trends.forget")
        day_added_up.connect(roll_up, dispatch_uid="trends.roll_up")
