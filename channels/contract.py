"""What may be told through a channel, whatever its kind: the same words for all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self


class Event(StrEnum):
    """What has happened to the thing that a message is about."""

    TEST = "test"
    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    REPORT = "report"


class Severity(StrEnum):
    """How bad it is."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of a message: ``Culprit step``, ``RUN npm ci``; ``path`` leads to its page."""

    label: str
    value: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Commit:
    """What a code host is told about: a commit, or the change (pull request) that it is of."""

    repository_url: str
    revision: str
    change_id: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """What people are told. Texts are plain: each kind of channel escapes for itself.

    ``key`` names the thing that it is about: messages of one key are one thread or incident.
    ``path`` is an address of this site, without its host.
    """

    key: str
    event: Event
    severity: Severity
    title: str
    summary: str = ""
    path: str = ""
    facts: tuple[Fact, ...] = ()
    commit: Commit | None = None

    def as_document(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return asdict(self)

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> Self:
        """Return the message that ``as_document`` gave."""
        facts: Sequence[Mapping[str, Any]] = document["facts"]
        commit = document["commit"]
        return cls(
            key=document["key"],
            event=Event(document["event"]),
            severity=Severity(document["severity"]),
            title=document["title"],
            summary=document["summary"],
            path=document["path"],
            facts=tuple(Fact(**fact) for fact in facts),
            commit=Commit(**commit) if commit else None,
        )


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the other side said when it took a message: its own id of it, if it has one."""

    provider_id: str = ""


class DeliveryError(Exception):
    """It was not taken now; a later try may succeed. ``retry_after`` is in seconds.

    ``left`` are those for whom it was not, if it was for others: they alone are tried again.
    """

    def __init__(
        self, message: str, retry_after: float | None = None, left: Sequence[str] = ()
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.left = left


class PermanentDeliveryError(DeliveryError):
    """It will never be taken: a wrong address, a revoked key."""
