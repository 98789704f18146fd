"""That somebody read a log is in the trail."""

from accounts.typing import Actor
from audit.services import record_once_a_day
from builds.models import Build


def note_log(build: Build, actor: Actor) -> None:
    """Note it once a person, address and day: programs ask for the log of a running build often."""
    record_once_a_day(actor=actor, action="build.log_read", target=build, project=build.project)
