"""What a recorded history is made of: commits with their edits, and the builds that follow them."""

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["succeeded", "failed", "canceled"]


@dataclass(frozen=True, slots=True)
class Replace:
    """Replaces ``old``, which occurs exactly once in the file, by ``new``."""

    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Write:
    """Writes a whole file."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Lock:
    """Resolves package.json again into package-lock.json, as ``npm install`` does."""


Edit = Replace | Write | Lock


@dataclass(frozen=True, slots=True)
class Author:
    """An invented person."""

    name: str
    email: str


ANA = Author("Ana Moreau", "ana.moreau@example.com")
JONAS = Author("Jonas Lind", "jonas.lind@example.com")
PRIYA = Author("Priya Nair", "priya.nair@example.com")
BOT = Author("Dependency Bot", "dependencies@example.com")


@dataclass(frozen=True, slots=True)
class BuildPlan:
    """One build of a commit; the defaults are the ordinary build of a push.

    ``refreshed_base`` publishes a new base image under its old tag before the build, larger by
    ``base_growth_mib``; ``neighbours`` other builds of a second service run beside it;
    ``lost_cache`` empties the builder's cache before it, ``no_cache`` asks for none.
    ``interrupt_after_seconds`` stops the client as a canceled pipeline does. ``progress`` keeps
    the progress stream and the metadata file beside the record.
    """

    expect: Outcome = "succeeded"
    after_minutes: int = 3
    pipeline: str = "ci"
    trigger: Literal["push", "schedule", "pull_request"] = "push"
    environment: str = "production"
    target: str = "runtime"
    variant: str = "prod"
    platforms: tuple[str, ...] = ("linux/amd64",)
    args: tuple[tuple[str, str], ...] = ()
    refreshed_base: str = ""
    base_growth_mib: int = 0
    neighbours: int = 0
    lost_cache: bool = False
    no_cache: bool = False
    interrupt_after_seconds: float | None = None
    progress: bool = False


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit; ``at`` is "days before today, time of day in UTC", such as ``"84 09:40"``.

    A branch other than ``main`` starts at the tip of ``main`` when it is first named, and belongs
    to a change (pull request). ``merge`` merges that branch into ``main`` instead of editing files.
    """

    at: str
    message: str
    author: Author
    edits: tuple[Edit, ...] = ()
    branch: str = "main"
    change_id: str = ""
    merge: str = ""
    builds: tuple[BuildPlan, ...] = (BuildPlan(),)


@dataclass(frozen=True, slots=True)
class History:
    """A service's whole history; ``bases`` are its base-image build arguments with their images.

    ``packages`` names the build context that brings its packages, if any, ``offline`` has the build
    argument that keeps its package manager from asking a registry. ``layer_cache`` says whether
    builds of ``main`` export their cache to a registry and all builds import it from there.
    """

    service: str
    bases: dict[str, str]
    packages: Literal["npm-cache", "wheels", ""]
    offline: dict[str, str]
    commits: tuple[Commit, ...]
    layer_cache: bool = False


def offset_seconds(at: str, after_minutes: int = 0) -> int:
    """Return how long before today's 00:00 UTC a moment is, in seconds."""
    days, clock = at.split()
    hours, minutes = clock.split(":")
    return int(days) * 86_400 - int(hours) * 3_600 - (int(minutes) + after_minutes) * 60
