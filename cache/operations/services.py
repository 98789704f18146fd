"""Writes of operations: asked for, confirmed, canceled; each is in the audit trail."""

from functools import partial
from typing import Any

from celery import current_app
from django.db import transaction
from django.db.models.functions import Now

from accounts.models import Project
from accounts.roles import Scope
from accounts.typing import Actor
from audit.services import ActorLike, record
from cache.exceptions import NotCancelableError, NotPlannedError, SharedBuilderError
from cache.models import Operation
from cache.operations.forms import OperationForm
from farm.models import Builder, BuildRequest, Source

QUEUE = "analysis"


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
    """Note that an operation is to be planned; one that is confirmed is done right after that."""
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
    """
    builder = form.builder
    if builder is not None:
        check_builder(builder, actor)
    return ask_for(
        project=project, kind=kind, parameters=form.parameters(), actor=actor, builder=builder
    )


def check_builder(builder: Builder, actor: Actor) -> None:
    """Refuse to change the cache of a builder on which others build.

    Raises:
        SharedBuilderError: the actor does not manage the caches of all projects that use it.
    """
    built = BuildRequest.objects.filter(builder=builder).order_by()
    named = Source.objects.filter(builder=builder).order_by()
    projects = {
        *built.values_list("project", flat=True).distinct(),
        *named.values_list("service__project", flat=True).distinct(),
    }
    if projects - set(actor.project_ids_with(Scope.CACHE_WRITE)):
        raise SharedBuilderError


@transaction.atomic
def confirm(*, operation: Operation, actor: Actor) -> None:
    """Let what is planned be done.

    Raises:
        NotPlannedError: it is not planned, or has nothing to do.
        SharedBuilderError: others build on the builder.
    """
    locked = Operation.objects.select_for_update(of=("self",)).get(pk=operation.pk)
    if locked.state != Operation.State.PLANNED or not locked.plan.get("items"):
        raise NotPlannedError
    if locked.builder is not None:
        check_builder(locked.builder, actor)
    locked.state, locked.confirmed_by = Operation.State.CONFIRMED, actor.actor_name
    locked.started_at = None
    locked.save(update_fields=["state", "confirmed_by", "started_at"])
    changes = {"kind": locked.kind, "plan": locked.plan["summary"]}
    _note(locked, actor, "cache.operation_confirmed", changes)
    wake(locked)


@transaction.atomic
def cancel(*, operation: Operation, actor: ActorLike) -> None:
    """Let an operation be that has not begun.

    Raises:
        NotCancelableError: it runs, or has ended.
    """
    states = [Operation.State.PLANNING, Operation.State.PLANNED]
    waiting = Operation.objects.filter(pk=operation.pk, state__in=states)
    if not waiting.update(state=Operation.State.CANCELED, ended_at=Now()):
        raise NotCancelableError
    _note(operation, actor, "cache.operation_canceled", {"kind": operation.kind})


def wake(operation: Operation) -> None:
    """Tell a worker, once the transaction is committed, that there is something to do.

    What a builder's cache is asked is asked where the builder is known.
    """
    queue = operation.builder.queue if operation.builder else QUEUE
    send = partial(
        current_app.send_task, "cache.go_on", kwargs={"number": operation.pk}, queue=queue
    )
    transaction.on_commit(send)


def _note(operation: Operation, actor: ActorLike, action: str, changes: dict[str, Any]) -> None:
    record(actor=actor, action=action, target=operation, project=operation.project, changes=changes)
