"""Writes of operations: asked for, confirmed, canceled; each is in the audit trail."""

from datetime import timedelta
from functools import partial
from typing import Any

from celery import current_app
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import Project
from accounts.roles import Scope
from accounts.typing import Actor
from audit.services import ActorLike, record
from cache.exceptions import (
    MayNotBuildError,
    NotCancelableError,
    NotPlannedError,
    OldPlanError,
    SharedBuilderError,
    TooManyError,
)
from cache.models import Operation
from cache.operations.forms import OperationForm
from farm.models import Builder, BuildRequest, Source

QUEUE = "caches"
WAKE_SECONDS = 30
"""How often workers are told of what waits; a message that nobody took by then is dropped."""

MOST_OPEN = 20
"""Operations of a project that wait or run."""

PLAN_HOLDS = timedelta(days=1)
STARTS_BUILDS = frozenset({Operation.Kind.WARM, Operation.Kind.REBUILD})
_LOCAL = ("", "default")
"""The builder without a name is mostly the one called ``default``: they have one cache."""

State = Operation.State
OPEN = (State.PLANNING, State.CONFIRMED, State.RUNNING)


@transaction.atomic
def ask_for(
    *,
    project: Project,
    kind: Operation.Kind,
    parameters: dict[str, Any],
    actor: ActorLike,
    builder: Builder | None = None,
    is_confirmed: bool = False,
) -> Operation:
    """Note that an operation is to be planned; one that is confirmed is done right after that.

    Raises:
        TooManyError: too many wait already.
    """
    if Operation.objects.filter(project=project, state__in=OPEN).count() >= MOST_OPEN:
        raise TooManyError
    name = actor.actor_name
    operation = Operation.objects.create(
        project=project,
        kind=kind,
        parameters=parameters,
        builder=builder,
        requested_by=name,
        confirmed_by=name if is_confirmed else "",
    )
    _note(operation, actor, "cache.operation_requested", {"kind": kind.value, **parameters})
    wake(operation)
    return operation


def ask_by_form(
    project: Project, kind: Operation.Kind, form: OperationForm, actor: Actor
) -> Operation:
    """Note what a valid form asks for.

    Raises:
        SharedBuilderError: it is about a builder on which others build.
        MayNotBuildError: it starts builds, and the actor may not.
        TooManyError: too many wait already.
    """
    builder = form.builder
    check(project, kind, builder, actor)
    return ask_for(
        project=project, kind=kind, parameters=form.parameters(), actor=actor, builder=builder
    )


def check(project: Project, kind: Operation.Kind, builder: Builder | None, actor: Actor) -> None:
    """Refuse what takes more than managing the caches of the project.

    Raises:
        SharedBuilderError: it is about a builder on which others build.
        MayNotBuildError: it starts builds, and the actor may not.
    """
    if kind in STARTS_BUILDS and project.pk not in actor.project_ids_with(Scope.BUILDS_TRIGGER):
        raise MayNotBuildError
    if builder is not None and not manages_all_on(builder, actor):
        raise SharedBuilderError


def manages_all_on(builder: Builder, actor: Actor) -> bool:
    """Tell whether an actor manages the caches of all projects that build on a builder."""
    is_local = builder.name in _LOCAL
    same = Q(builder__name__in=_LOCAL) if is_local else Q(builder=builder)
    named = same | Q(builder=None) if is_local else same
    built = BuildRequest.objects.filter(same, project=OuterRef("pk"))
    sources = Source.objects.filter(named, service__project=OuterRef("pk"))
    users = Project.objects.filter(Exists(built) | Exists(sources))
    return not users.exclude(pk__in=actor.project_ids_with(Scope.CACHE_WRITE)).exists()


def shown_plan(operation: Operation, actor: Actor) -> dict[str, Any]:
    """Return what an actor may see of a plan.

    A prune names whatever lies in a builder: that is for those who manage all of it.
    """
    plan: dict[str, Any] = operation.plan
    builder = operation.builder
    if operation.kind != Operation.Kind.PRUNE or builder is None or manages_all_on(builder, actor):
        return plan
    return {**plan, "rows": []}


@transaction.atomic
def confirm(*, operation: Operation, actor: Actor) -> None:
    """Let what is planned be done.

    Raises:
        NotPlannedError: it is not planned, or has nothing to do.
        OldPlanError: it was planned too long ago.
        SharedBuilderError, MayNotBuildError: as ``check``.
    """
    rows = Operation.objects.select_for_update(of=("self",)).select_related("project", "builder")
    locked = rows.get(pk=operation.pk)
    if locked.state != State.PLANNED or not locked.items:
        raise NotPlannedError
    if locked.planned_at is None or locked.planned_at < timezone.now() - PLAN_HOLDS:
        raise OldPlanError
    check(locked.project, Operation.Kind(locked.kind), locked.builder, actor)
    locked.state, locked.confirmed_by = State.CONFIRMED, actor.actor_name
    locked.started_at = None
    locked.save(update_fields=["state", "confirmed_by", "started_at"])
    changes = {"kind": locked.kind, "plan": locked.plan["summary"]}
    _note(locked, actor, "cache.operation_confirmed", changes)
    wake(locked)


@transaction.atomic
def cancel(*, operation: Operation, actor: ActorLike) -> None:
    """Let an operation be that is not carried out yet.

    Raises:
        NotCancelableError: it runs, or has ended.
    """
    states = [State.PLANNING, State.PLANNED, State.CONFIRMED]
    waiting = Operation.objects.filter(pk=operation.pk, state__in=states)
    if not waiting.update(state=State.CANCELED, ended_at=Now()):
        raise NotCancelableError
    _note(operation, actor, "cache.operation_canceled", {"kind": operation.kind})


def wake(operation: Operation) -> None:
    """Tell a worker, once the transaction is committed, that there is something to do.

    What a builder's cache is asked is asked where the builder is known.
    """
    send = partial(
        current_app.send_task,
        "cache.go_on",
        kwargs={"number": operation.pk},
        queue=operation.builder.queue if operation.builder else QUEUE,
        expires=WAKE_SECONDS,
    )
    transaction.on_commit(send)


def _note(operation: Operation, actor: ActorLike, action: str, changes: dict[str, Any]) -> None:
    record(actor=actor, action=action, target=operation, project=operation.project, changes=changes)
