"""What went from builders' caches between two builds, as looks at them have noted it."""

from django.db.models import Q

from buildinsights.templatetags.formats import filesize
from buildkit.explaining import Cause, Removal
from builds.models import Build
from cache.models import Eviction, Explanation
from farm.models import Builder, BuildRequest

MOST = 5_000
"""Entries that are compared with a build's steps, the newest ones."""


def removals_between(before: Build | None, after: Build) -> list[Removal]:
    """Return the entries that the builder of both had when one was made, and lost before the other.

    A look comes once an hour: an entry that went within the hours of the builds themselves counts.
    """
    if before is None or before.builder != after.builder:
        return []
    gone = Eviction.objects.filter(
        builder__in=_builders_of(after), seen_at__lt=after.listed_at, gone_at__gt=before.listed_at
    )
    return [Removal(item.description, _told(item)) for item in gone.order_by("-gone_at")[:MOST]]


def _told(item: Eviction) -> str:
    return (
        f"The builder had its entry, {filesize(item.freed_bytes)}, at {item.seen_at:%Y-%m-%d %H:%M}"
        f" UTC, and at {item.gone_at:%Y-%m-%d %H:%M} UTC no more."
    )


def _builders_of(build: Build) -> list[int]:
    """Return the builder that made a build: that of its request, else the one of that name."""
    asked = BuildRequest.objects.filter(build=build).values_list("builder_id", flat=True)
    named = Builder.objects.filter(name=build.builder) if build.builder else Builder.objects.none()
    return [*asked, *named.values_list("pk", flat=True)]


def ask_again(builder: Builder, gone: list[Eviction]) -> None:
    """Let builds be explained once more that missed an entry of which it is known now that it went.

    Those are the builds since the entry was last there.
    """
    if not gone:
        return
    theirs = Q(build__request__builder=builder)
    if builder.name:
        theirs |= Q(build__builder=builder.name)
    missed = Explanation.objects.filter(
        theirs,
        build__listed_at__gt=min(item.seen_at for item in gone),
        build__reasons__cause=Cause.GONE.value,
    )
    Explanation.objects.filter(pk__in=missed.values("pk")).update(state=Explanation.State.PENDING)
