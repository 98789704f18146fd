"""From two builds to the reasons of one: which is held against which, and what is known of them."""

from uuid import UUID

from django.db.models import Case, Q, Value, When

from buildkit import explaining
from buildkit.errors import ParseError
from buildkit.explaining import Evidence, read_context
from buildkit.model import Build as DecodedBuild
from builds.models import Build
from builds.querysets import BuildQuerySet
from cache.removals import removals_between
from ingest.digest import limits
from ingest.stored import Stored, read_stored


def comparable(build: Build) -> BuildQuerySet:
    """Return the earlier succeeded builds of the same service, target, variant and platforms.

    Those that another builder has made come last, the newest of the others first.
    """
    known = Q(builder__in=[build.builder, ""]) if build.builder else Q()
    other_builder = Case(When(known, then=Value(0)), default=Value(1)) if known else Value(0)
    earlier = Build.objects.succeeded().filter(
        service_id=build.service_id,
        target=build.target,
        variant=build.variant,
        platforms=build.platforms,
        listed_at__lt=build.listed_at,
    )
    return earlier.order_by(other_builder, "-listed_at", "-pk")


def named_sibling(build: Build, public_id: str) -> Build | None:
    """Return the build of the same service with that id; ``None`` where none is named.

    Raises:
        Build.DoesNotExist: there is no such build.
    """
    if not public_id:
        return None
    try:
        number = UUID(public_id)
    except ValueError as error:
        raise Build.DoesNotExist from error
    siblings = Build.objects.filter(service=build.service_id)
    return siblings.select_related("project", "service").get(public_id=number)


def explained(
    build: Build, against: Build | None
) -> tuple[DecodedBuild, explaining.Explanation] | None:
    """Explain a build against another; ``None`` if its own records are no longer kept."""
    after = _evidence(build)
    if after is None:
        return None
    before = _evidence(against) if against else None
    return after.build, explaining.explain(after, before, removals_between(against, build))


def _evidence(build: Build) -> Evidence | None:
    try:
        stored = read_stored(build)
    except ParseError:
        return None
    return Evidence(stored.decoded, _files(stored)) if stored else None


def _files(stored: Stored) -> explaining.Files | None:
    if stored.context is None:
        return None
    return read_context(stored.context, stored.decoded.name_hint, limits())
