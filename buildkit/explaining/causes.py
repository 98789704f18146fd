"""Why a step ran instead of coming from the cache: the causes, and what each means."""

from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    """Why a step ran; one each (docs/metrics.md)."""

    NO_CACHE = "no_cache"
    PARENT = "parent"
    BASE = "base"
    INSTRUCTION = "instruction"
    ARGUMENT = "argument"
    FILES = "files"
    NOT_IMPORTED = "not_imported"
    GONE = "gone"
    FIRST = "first"
    ALWAYS = "always"
    UNKNOWN = "unknown"


class Confidence(StrEnum):
    """How far the evidence goes: it shows the cause, leaves no other, or points to it."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a cause means to whoever reads it, and what helps."""

    title: str
    advice: str


MEANINGS: dict[Cause, Meaning] = {
    Cause.NO_CACHE: Meaning("No cache was asked for", "Build without `--no-cache`."),
    Cause.PARENT: Meaning("A step before it ran", "Look at the first step of the chain."),
    Cause.BASE: Meaning(
        "The base image has another digest",
        "Pin the base by digest, and update it when you choose to.",
    ),
    Cause.INSTRUCTION: Meaning(
        "The instruction changed", "Put what changes often below what changes rarely."
    ),
    Cause.ARGUMENT: Meaning(
        "A build argument changed", "Declare `ARG` as late as it is needed: below costly steps."
    ),
    Cause.FILES: Meaning(
        "Copied files changed",
        "Copy only what the step needs, and keep the rest out with `.dockerignore`.",
    ),
    Cause.NOT_IMPORTED: Meaning(
        "A cache was not imported", "See the import's error; give `cache-from` to this build too."
    ),
    Cause.GONE: Meaning(
        "Same inputs, but the cache has it no more",
        "Raise the builder's cache limit, or keep a cache in the registry.",
    ),
    Cause.FIRST: Meaning("Seen for the first time", ""),
    Cause.ALWAYS: Meaning("Runs in every build", ""),
    Cause.UNKNOWN: Meaning("Not known from what was recorded", ""),
}
