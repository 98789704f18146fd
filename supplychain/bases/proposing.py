"""What a base could be changed to, why, and what that would bring as far as it was measured."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from buildkit.registry import Reference
from supplychain.bases.drifting import Drift
from supplychain.bases.names import describe
from supplychain.bases.tags import newer_tags

_TRY = "Images here were built on it, and measured. Whether this one runs on it is to be tried."


class Kind(StrEnum):
    """What a change is, in the order in which they are proposed."""

    DIGEST = "digest"
    PIN = "pin"
    TAG = "tag"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Measured:
    """What builds and scans said of a base: nothing is ``None`` that was seen.

    ``findings`` are the vulnerabilities that images inherited, each once; ``builds`` and ``scans``
    say how many the numbers come from.
    """

    reference: Reference
    size_bytes: int | None = None
    findings: int | None = None
    builds: int = 0
    scans: int = 0


@dataclass(frozen=True, slots=True)
class Expected:
    """The difference that a change makes; ``None`` of what was not measured on both sides."""

    size_bytes: int | None = None
    findings: int | None = None
    builds: int = 0
    scans: int = 0

    @property
    def is_known(self) -> bool:
        """Whether anything was measured."""
        return self.size_bytes is not None or self.findings is not None


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change of a base."""

    kind: Kind
    old: Reference
    new: Reference
    why: str
    expected: Expected


@dataclass(frozen=True, slots=True)
class Known:
    """What is known around a base: of its tag, of other tags, of other bases.

    ``tags`` are those of its repository with the digest of each, empty if it is not known.
    ``others`` were measured here and have the same runtime.
    """

    drift: Drift | None = None
    tags: dict[str, str] | None = None
    others: Sequence[Measured] = ()


def expected(own: Measured | None, other: Measured | None) -> Expected:
    """Return what changing one base for another brings, by what was measured of both."""
    if own is None or other is None:
        return Expected()
    return Expected(
        _difference(own.size_bytes, other.size_bytes),
        _difference(own.findings, other.findings),
        own.builds + other.builds,
        own.scans + other.scans,
    )


def _difference(before: int | None, after: int | None) -> int | None:
    return None if before is None or after is None else after - before


def proposals(
    reference: Reference, digest: str, own: Measured | None, known: Known
) -> list[Proposal]:
    """Return the changes of a base that stands at a digest, the smallest step first.

    One of another base is proposed only if it was measured to be better, and worse in nothing.
    """
    return [
        *_digest(reference, own, known),
        *_pin(reference, digest, known.drift),
        *_tag(reference, own, known),
        *_others(reference, own, known.others),
    ]


def _digest(reference: Reference, own: Measured | None, known: Known) -> Iterator[Proposal]:
    drift = known.drift
    if drift is None or not drift.behind or not reference.tag:
        return
    new = _at(reference, reference.tag, drift.newest)
    many = "digests" if drift.behind > 1 else "digest"
    yield Proposal(
        Kind.DIGEST,
        reference,
        new,
        f"The tag {reference.tag} has meant {drift.behind} newer {many} since {_day(drift.since)}.",
        expected(own, _of(known.others, new)),
    )


def _pin(reference: Reference, digest: str, drift: Drift | None) -> Iterator[Proposal]:
    if reference.digest or not digest or not reference.tag or (drift and drift.behind):
        return
    why = (
        f"The tag {reference.tag} may mean another image with any build; with its digest it "
        "changes when somebody changes it."
    )
    yield Proposal(
        Kind.PIN, reference, _at(reference, reference.tag, digest), why, Expected(0, 0, 0, 0)
    )


def _tag(reference: Reference, own: Measured | None, known: Known) -> Iterator[Proposal]:
    tags = known.tags or {}
    for tag in newer_tags(reference.tag, tags)[:1]:
        new = _at(reference, tag, tags[tag])
        why = f"{tag} is the latest version of {reference.tag} that is known."
        yield Proposal(Kind.TAG, reference, new, why, expected(own, _of(known.others, new)))


def _others(
    reference: Reference, own: Measured | None, others: Iterable[Measured]
) -> Iterator[Proposal]:
    for other in in_order(others):
        is_same_tag = (other.reference.name, other.reference.tag) == (reference.name, reference.tag)
        gain = expected(own, other)
        if not is_same_tag and _is_alike(reference, other.reference) and is_better(gain):
            yield Proposal(Kind.OTHER, reference, other.reference, _TRY, gain)


def _is_alike(one: Reference, other: Reference) -> bool:
    """Tell whether two bases have the same runtime, or else the same distribution."""
    first, second = describe(one), describe(other)
    if first.runtime or second.runtime:
        return first.runtime == second.runtime
    return first.family == second.family != ""


def is_better(gain: Expected) -> bool:
    """Tell whether a change is for the better in something that was measured, and worse in none."""
    differences = [value for value in (gain.size_bytes, gain.findings) if value is not None]
    return any(value < 0 for value in differences) and all(value <= 0 for value in differences)


def in_order(others: Iterable[Measured]) -> list[Measured]:
    """Return bases with distroless and alpine first, then official ones, the smallest first."""

    def order(one: Measured) -> tuple[int, bool, bool, int, str]:
        said = describe(one.reference)
        families = ("distroless", "alpine")
        place = families.index(said.family) if said.family in families else len(families)
        size = one.size_bytes
        return (place, not said.is_official, size is None, size or 0, str(one.reference))

    return sorted(others, key=order)


def _of(others: Iterable[Measured], reference: Reference) -> Measured | None:
    same = (
        other
        for other in others
        if (other.reference.name, other.reference.digest) == (reference.name, reference.digest)
        and reference.digest
    )
    return next(same, None)


def _at(reference: Reference, tag: str, digest: str) -> Reference:
    return Reference(reference.host, reference.repository, tag, digest)


def _day(moment: datetime | None) -> str:
    return f"{moment:%-d %B %Y}" if moment else "a time that is not known"
