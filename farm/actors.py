"""Who asks for builds when nobody clicks: the clock and pushes."""

from accounts.models import User
from audit.services import ActorLike, System
from farm.models import Schedule


class Clock(System):
    """The product, acting for a schedule."""

    def __init__(self, schedule: Schedule) -> None:
        self.actor_name = f"schedule {schedule.name}"


class Pusher(System):
    """The product, acting for somebody who pushed; ``author`` is the member who did, if known."""

    def __init__(self, author: User | None) -> None:
        self.actor_name = author.actor_name if author else "a push"
        self.author = author


def author_of(actor: ActorLike) -> User | None:
    """Return the person behind a build, who is told when it fails."""
    if isinstance(actor, Pusher):
        return actor.author
    return actor if isinstance(actor, User) else None
