"""From two builds to the reasons of one: which is held against which, and what is known of them."""

from dataclasses import replace
from uuid import UUID

from django.db.models import Case, F, Q, Value, When

from buildkit import explaining
from buildkit.errors import ParseError
from buildkit.explaining import Evidence, read_context, read_sizes
from buildkit.model import Build as DecodedBuild
from builds.models import Build
from builds.querysets import BuildQuerySet
from cache.models import Explanation
from cache.querysets import ExplanationQuerySet
from cache.removals import removals_between
from ingest.stored import read_stored
from ingest.uploads import limits


def comparable(build: Build) -> BuildQuerySet:
    """Return the earlier succeeded builds of the same service, target, variant and platforms.

    Those that another builder has made come last, the newest of the others first.
    """
    known = Q(builder__in=[build.builder, ""]) if build.builder else Q()
    other_builder = Case(When(known, then=Value(0)), default=Value(1)) if known else Value(0)
    earlier = _same_kind(build).succeeded().filter(listed_at__lt=build.listed_at)
    return earlier.order_by(other_builder, "-listed_at", "-pk")


def _same_kind(build: Build) -> BuildQuerySet:
    return Build.objects.filter(
        service_id=build.service_id,
        target=build.target,
        variant=build.variant,
        platforms=build.platforms,
    )


def outdated_by(build: Build) -> ExplanationQuerySet:
    """Return explanations made without a build that is the first of those comparable to theirs.

    As the order of ``comparable`` has it: of a builder that may be theirs where the other is not,
    else newer. After the next succeeded build of its own builder it is the first of none.
    """
    if build.status != Build.Status.SUCCEEDED:
        return Explanation.objects.none()
    later = _same_kind(build).filter(listed_at__gt=build.listed_at)
    following = later.succeeded().filter(builder=build.builder).order_by("listed_at")
    until = following.values_list("listed_at", flat=True).first()
    if until:
        later = later.filter(listed_at__lte=until)
    is_near = Q(build__builder__in=["", build.builder]) if build.builder else Q(pk__isnull=False)
    has_near = (
        Q(build__builder="") | Q(against__builder="") | Q(against__builder=F("build__builder"))
    )
    has_older = Q(against__listed_at__lt=build.listed_at) | Q(
        against__listed_at=build.listed_at, against__lt=build.pk
    )
    outdated = Explanation.objects.filter(
        Q(against=None) | (is_near & ~has_near) | ((is_near | ~has_near) & has_older),
        build__in=later,
    )
    # One that waits may be in the hands of a worker that has looked for such builds before.
    return outdated.exclude(state=Explanation.State.IMPOSSIBLE)


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
    after = evidence_of(build)
    if after is None:
        return None
    before = evidence_of(against) if against else None
    return after.build, explaining.explain(after, before, removals_between(against, build))


def without_logs(decoded: DecodedBuild) -> DecodedBuild:
    """Return a build without what its steps printed, which is most of it."""
    return replace(decoded, steps=tuple(replace(step, log=()) for step in decoded.steps))


def evidence_of(build: Build) -> Evidence | None:
    """Return a build as it is compared; ``None`` if its records are no longer kept."""
    try:
        stored = read_stored(build)
    except ParseError:
        return None
    if stored is None:
        return None
    if stored.context is None:
        return Evidence(stored.decoded)
    told = (stored.context, stored.decoded.name_hint, limits())
    return Evidence(stored.decoded, read_context(*told), read_sizes(*told))
