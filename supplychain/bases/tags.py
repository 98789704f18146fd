"""Which tags of a repository come after one, and which stand beside it."""

from collections.abc import Iterable

from supplychain.bases.names import Tag


def newer_tags(tag: str, others: Iterable[str]) -> list[str]:
    """Return the tags of later versions, the newest first.

    Only those that differ by nothing else: the same variant, written as precisely. So
    ``22-slim`` is followed by ``24-slim``, and neither by ``24`` nor by ``24.1-slim``.
    """
    own = Tag.parse(tag)
    if not own.version:
        return []
    found = {other: Tag.parse(other) for other in set(others)}
    later = [
        (one.version, other)
        for other, one in found.items()
        if one.variant == own.variant
        and len(one.version) == len(own.version)
        and one.version > own.version
    ]
    return [other for _, other in sorted(later, reverse=True)]


def other_variants(tag: str, others: Iterable[str]) -> list[str]:
    """Return the tags of the same version, or channel, that are another variant, by name."""
    own = Tag.parse(tag)
    found = ((other, Tag.parse(other)) for other in set(others))
    return sorted(
        other
        for other, one in found
        if (own.version or own.channel)
        and (one.version, one.channel) == (own.version, own.channel)
        and one.variant != own.variant
    )
