"""What advice is made of: ended builds, and what is said of the newest one's Dockerfile."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from buildkit.explaining import Evidence, Explanation


class Kind(StrEnum):
    """What a piece of advice does to a Dockerfile, in the order in which seconds are claimed."""

    INSTALL = "install"
    ARGUMENT = "argument"
    IGNORE = "ignore"
    ORDER = "order"
    MOUNT = "mount"


@dataclass(frozen=True, slots=True)
class Observed:
    """One ended build, explained against the comparable one ``before``; ``at`` is its start."""

    evidence: Evidence
    explanation: Explanation
    before: Evidence | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """Where the files that a diff changes lie, from the directory in which it is applied.

    Empty, they are called as the builder calls them.
    """

    dockerfile: str = ""
    dockerignore: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change of one Dockerfile.

    ``key`` names it across Dockerfiles. ``old`` and ``new`` are texts of the file that is changed,
    whose name is empty for the Dockerfile itself; ``old`` is ``None`` where there is none yet,
    ``new`` where the text is not known.
    ``lines`` are first and last line of what is moved or edited; ``steps`` the normalised
    instructions whose seconds it is about.
    """

    kind: Kind
    key: str
    title: str
    stage: str
    lines: tuple[int, int]
    old: str | None
    new: str | None
    steps: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    file: str = ""


@dataclass(frozen=True, slots=True)
class Advice:
    """A proposal with what the recorded builds say that it is worth.

    ``seconds_a_week`` are those of runs that would not have been, or with ``is_upper_bound`` that
    would have been shorter; no run counts in two. ``interval`` is its 95 % one, ``None`` of too few
    builds. ``builds`` had such runs, of which
    ``examples`` are those with most seconds, by BuildKit's reference.
    """

    kind: Kind
    key: str
    title: str
    why: tuple[str, ...]
    stage: str
    lines: tuple[int, int]
    diff: str
    seconds_a_week: float
    interval: tuple[float, float] | None
    is_upper_bound: bool
    builds: int
    examples: tuple[str, ...]
    steps: tuple[str, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Applied:
    """Advice that Dockerfiles before ``since`` had, and the newest has not, as it was followed.

    ``before`` and ``after`` are the seconds that its steps ran, one figure a build that succeeded.
    """

    kind: Kind
    key: str
    title: str
    since: datetime
    before: tuple[float, ...]
    after: tuple[float, ...]
