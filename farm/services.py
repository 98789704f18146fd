"""Writes of the queue: ask for builds, and cancel them."""

from collections.abc import Iterable, Sequence
from graphlib import CycleError as GraphCycleError
from graphlib import TopologicalSorter
from operator import attrgetter

from django.db import transaction
from django.db.models.functions import Now

from audit.services import SYSTEM, ActorLike, record
from buildkit.failure_classes import FailureClass
from builds.models import Build
from farm.endings import finish, put_in_place
from farm.exceptions import CycleError, NotCancelableError
from farm.forms import SourceForm
from farm.models import BuildRequest, Source
from farm.queueing import QUEUED, Wish, audit, is_same_but_for_commit, lock_queue, queue


@transaction.atomic
def trigger(
    *, sources: Sequence[Source], wish: Wish, actor: ActorLike, supersede: bool = False
) -> list[BuildRequest]:
    """Queue a build of each source, in the order of what they need of each other.

    An equal request that is still queued is returned in the place of a new one. With
    ``supersede``, older queued requests for the same of the branch are canceled; what waits for
    them waits for the new ones.

    Raises:
        CycleError: the sources need each other.
    """
    lock_queue()
    made: dict[int, BuildRequest] = {}
    for source in _in_order(sources):
        needed = [made[other.pk] for other in source.needs.all() if other.pk in made]
        request = queue(source, wish, actor, needed)
        made[source.pk] = request
    if supersede:  # in the order in which the sums of several services are locked
        for request in sorted(made.values(), key=attrgetter("build.service_id")):
            _supersede(request)
    return [made[source.pk] for source in sources]


@transaction.atomic
def save_source(*, form: SourceForm, actor: ActorLike) -> Source:
    """Save what a form says of where a service's code is."""
    source: Source = form.save()
    service = source.service
    changes = {name: str(form.cleaned_data[name]) for name in form.changed_data}
    record(
        actor=actor,
        action="source.changed",
        target=service,
        project=service.project,
        changes=changes,
    )
    return source


def _in_order(sources: Iterable[Source]) -> list[Source]:
    """Return each after those it needs, as far as they are among them."""
    asked = {source.pk: source for source in sources}
    needs = {
        pk: {other.pk for other in source.needs.all()} & asked.keys()
        for pk, source in asked.items()
    }
    try:
        return [asked[pk] for pk in TopologicalSorter(needs).static_order()]
    except GraphCycleError as error:
        names = " → ".join(asked[pk].service.name for pk in error.args[1])
        raise CycleError(f"These services need each other: {names}.") from error


def _supersede(request: BuildRequest) -> None:
    older = BuildRequest.objects.select_for_update(of=("self",)).filter(
        source=request.source,
        state__in=QUEUED,
        build__ref_name=request.build.ref_name,
        pk__lt=request.pk,
    )
    for old in older.select_related("build__project"):
        if not is_same_but_for_commit(old, request):
            continue
        put_in_place(old, request)
        _cancel_queued(old, SYSTEM, f"Superseded by build {request.build.public_id}.")


@transaction.atomic
def cancel(*, build: Build, actor: ActorLike, reason: str = "") -> None:
    """End a queued request at once; ask the worker of a running one to end it.

    Raises:
        NotCancelableError: it is not this server's, or has ended.
    """
    lock_queue()
    requests = BuildRequest.objects.select_for_update(of=("self",)).filter(build=build)
    request = requests.select_related("build__project").first()
    if request is None or request.state == BuildRequest.State.ENDED:
        raise NotCancelableError
    words = reason or f"Canceled by {actor.actor_name}."
    if request.state in QUEUED:
        _cancel_queued(request, actor, words)
        return
    if request.cancel_requested_at is None:
        BuildRequest.objects.filter(pk=request.pk).update(
            cancel_requested_at=Now(), cancel_reason=words
        )
        audit(request, actor, "build.cancel_requested", {"reason": words})


def _cancel_queued(request: BuildRequest, actor: ActorLike, words: str) -> None:
    finish(request, Build.Status.CANCELED, FailureClass.CANCELED, words)
    audit(request, actor, "build.canceled", {"reason": words})
