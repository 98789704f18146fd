"""The workers' part of operations: plans are made, and what was confirmed is done, once each."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from audit.services import SYSTEM, record
from buildinsights.exceptions import DomainError
from buildkit.errors import ParseError
from buildkit.registry import RegistryError
from builds.masking import mask_secrets
from cache.models import Operation, RetentionPolicy
from cache.operations import (
    expiring,
    invalidating,
    probing,
    pruning,
    rebuilding,
    verifying,
    warming,
)
from cache.operations.plans import Confirmed, Handler, OnBehalf
from cache.operations.services import OPEN, PLAN_HOLDS, ask_for, wake
from farm.builders import UnreachableError

log = structlog.get_logger(__name__)

HANDLERS: Mapping[str, Handler] = {
    Operation.Kind.SETUP: probing,
    Operation.Kind.EXPIRE: expiring,
    Operation.Kind.VERIFY: verifying,
    Operation.Kind.REBUILD: rebuilding,
    Operation.Kind.WARM: warming,
    Operation.Kind.INVALIDATE: invalidating,
    Operation.Kind.PRUNE: pruning,
}

LONGEST = timedelta(hours=1)
"""Beyond its task's time limit whoever worked on it is lost."""

UNTAKEN = timedelta(days=1)
"""How long an operation waits for a worker, from when it could be taken."""

FOLLOWED = timedelta(days=7)
"""How long the ends of queued builds are waited for."""

MOST_TOLD = 100

EXPECTED = (RegistryError, UnreachableError, ParseError, DomainError)
NOTHING = "There was nothing to do."
OURS = "An error of ours; it is in the log."
NOBODY = "For a day no worker has taken it: is there one for its queue?"
LOST = "The worker was lost while it worked on it; what it had done by then is not known."

State = Operation.State


def go_on(number: int) -> None:
    """Plan an operation, or do what was confirmed of it, if nobody else has begun that."""
    if _claim(number, State.PLANNING, State.PLANNING):
        _attempt(number, _plan)
    if _claim(number, State.CONFIRMED, State.RUNNING):
        _attempt(number, _carry_out)


def _claim(number: int, state: State, then: State) -> bool:
    waiting = Operation.objects.filter(pk=number, state=state, started_at=None)
    return bool(waiting.update(state=then, started_at=Now()))


def _attempt(number: int, act: Callable[[Operation], None]) -> None:
    operation = Operation.objects.select_related("project", "builder").get(pk=number)
    try:
        act(operation)
    except EXPECTED as error:
        _fail(operation, str(error))
    except Exception:
        log.exception("cache_operation_failed", operation=str(operation.public_id))
        _fail(operation, OURS)


def _plan(operation: Operation) -> None:
    made = HANDLERS[operation.kind].plan(operation)
    plan = made.stored()
    if operation.confirmed_by and not made.items:
        Operation.objects.filter(pk=operation.pk).update(plan=plan, planned_at=Now())
        _end(operation, State.DONE, NOTHING, ())
        return
    # One that was canceled meanwhile stays canceled.
    waiting = Operation.objects.filter(pk=operation.pk, state=State.PLANNING)
    waiting.update(
        plan=plan,
        items=made.items,
        planned_at=Now(),
        started_at=None,
        state=State.CONFIRMED if operation.confirmed_by else State.PLANNED,
    )


def _carry_out(operation: Operation) -> None:
    actor = OnBehalf(operation.confirmed_by)
    outcome = HANDLERS[operation.kind].carry_out(operation, actor)
    _end(operation, State.DONE, outcome.summary, outcome.told)


def _fail(operation: Operation, why: str) -> None:
    _end(operation, State.FAILED, why, ())


@transaction.atomic
def _end(operation: Operation, state: State, outcome: str, said: Sequence[str]) -> None:
    """End an operation, unless it has gone on, or was ended, since it was read."""
    outcome, told = mask_secrets(outcome)[:1000], _shown(said)
    active = Operation.objects.filter(
        pk=operation.pk, state=operation.state, started_at=operation.started_at
    )
    if not active.update(state=state, outcome=outcome, told=told, ended_at=Now()):
        return
    changes: dict[str, Any] = {"state": state.value, "outcome": outcome, "told": told}
    record(
        actor=OnBehalf(operation.confirmed_by),
        action=f"cache.{operation.kind}",
        target=operation,
        project=operation.project,
        changes=changes,
    )


def _shown(said: Sequence[str]) -> list[str]:
    told = [mask_secrets(text)[:1000] for text in said[:MOST_TOLD]]
    more = len(said) - MOST_TOLD
    return [*told, f"And {more} more."] if more > 0 else told


def wake_waiting() -> None:
    """Tell workers once more of what waits, as a message may be lost; end what a dead one had.

    One that cannot be told, as its queue is no more, keeps none of the others waiting.
    """
    states = [State.PLANNING, State.CONFIRMED]
    waiting = Operation.objects.filter(state__in=states, started_at=None).defer("plan", "items")
    for operation in waiting.select_related("project", "builder"):
        if _is_untaken(operation):
            _fail(operation, NOBODY)
            continue
        try:
            wake(operation)
        except Exception:
            log.exception("cache_operation_not_woken", operation=str(operation.public_id))
    lost = Operation.objects.filter(
        state__in=[State.PLANNING, State.RUNNING], started_at__lt=timezone.now() - LONGEST
    )
    for operation in lost.select_related("project"):
        _fail(operation, LOST)


def _is_untaken(operation: Operation) -> bool:
    """Tell whether no worker has taken it for so long; a plan is confirmed while it holds."""
    waits = UNTAKEN
    if operation.state == State.CONFIRMED:
        waits += PLAN_HOLDS
    return (operation.planned_at or operation.requested_at) < timezone.now() - waits


def enforce_retention() -> None:
    """Ask for what the policies say, each day, unless yesterday's still waits."""
    for policy in RetentionPolicy.objects.filter(is_enforced=True).select_related("project"):
        same = Operation.objects.filter(project=policy.project, kind=Operation.Kind.EXPIRE)
        if same.filter(state__in=OPEN).exists():
            continue
        try:
            ask_for(
                project=policy.project,
                kind=Operation.Kind.EXPIRE,
                parameters=policy.parameters,
                actor=SYSTEM,
                is_confirmed=True,
            )
        except DomainError:
            log.warning("retention_not_enforced", project=policy.project.slug, exc_info=True)


def follow_builds() -> None:
    """Have verified what builds have made anew that operations queued, as each succeeds."""
    since = timezone.now() - FOLLOWED
    rebuilds = Operation.objects.filter(
        kind=Operation.Kind.REBUILD, state=State.DONE, ended_at__gt=since
    ).exclude(followed=[])
    for number in rebuilds.values_list("pk", flat=True):
        _follow(number)


@transaction.atomic
def _follow(number: int) -> None:
    rows = Operation.objects.select_for_update(of=("self",), skip_locked=True)
    operation = rows.select_related("project").filter(pk=number).first()
    if operation is None:
        return
    references, told = rebuilding.ended(operation)
    operation.told = [*operation.told, *_shown(told)]
    operation.save(update_fields=["followed", "told"])
    if references:
        ask_for(
            project=operation.project,
            kind=Operation.Kind.VERIFY,
            parameters={"references": references, "deep": True},
            actor=Confirmed(operation.confirmed_by),
            is_confirmed=True,
        )
