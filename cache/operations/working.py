"""The workers' part of operations: plans are made, and what was confirmed is done, once each."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Q
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
from cache.operations.plans import Handler, OnBehalf
from cache.operations.services import ask_for, wake
from farm.builders import UnreachableError
from farm.models import BuildRequest

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

EXPECTED = (RegistryError, UnreachableError, ParseError, DomainError)
NOTHING = "There was nothing to do."
OURS = "An error of ours; it is in the log."
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
    plan = HANDLERS[operation.kind].plan(operation).stored()
    if operation.confirmed_by and not plan["items"]:
        Operation.objects.filter(pk=operation.pk).update(plan=plan, planned_at=Now())
        _end(operation, State.DONE, NOTHING, [])
        return
    # One that was canceled meanwhile stays canceled.
    waiting = Operation.objects.filter(pk=operation.pk, state=State.PLANNING)
    waiting.update(
        plan=plan,
        planned_at=Now(),
        started_at=None,
        state=State.CONFIRMED if operation.confirmed_by else State.PLANNED,
    )


def _carry_out(operation: Operation) -> None:
    actor = OnBehalf(operation.confirmed_by)
    outcome = HANDLERS[operation.kind].carry_out(operation, actor)
    told = [mask_secrets(text)[:1000] for text in outcome.told]
    _end(operation, State.DONE, outcome.summary, told)


def _fail(operation: Operation, why: str) -> None:
    _end(operation, State.FAILED, mask_secrets(why)[:1000], [])


@transaction.atomic
def _end(operation: Operation, state: State, outcome: str, told: list[str]) -> None:
    active = Operation.objects.filter(pk=operation.pk, state__in=[State.PLANNING, State.RUNNING])
    if not active.update(state=state, outcome=outcome, told=told, ended_at=Now()):
        return
    changes: dict[str, Any] = {"state": state.value, "outcome": outcome, "told": told[:100]}
    record(
        actor=OnBehalf(operation.confirmed_by),
        action=f"cache.{operation.kind}",
        target=operation,
        project=operation.project,
        changes=changes,
    )


def wake_waiting() -> None:
    """Tell workers once more of what waits, as a message may be lost; end what a dead one had."""
    states = [State.PLANNING, State.CONFIRMED]
    for operation in Operation.objects.filter(state__in=states, started_at=None):
        wake(operation)
    lost = Operation.objects.filter(
        state__in=[State.PLANNING, State.RUNNING], started_at__lt=timezone.now() - LONGEST
    )
    for operation in lost.select_related("project"):
        _fail(operation, LOST)


def enforce_retention() -> None:
    """Ask for what the policies say, each day, unless yesterday's still waits."""
    open_states = [State.PLANNING, State.CONFIRMED, State.RUNNING]
    for policy in RetentionPolicy.objects.filter(is_enforced=True).select_related("project"):
        same = Operation.objects.filter(project=policy.project, kind=Operation.Kind.EXPIRE)
        if not same.filter(state__in=open_states).exists():
            ask_for(
                project=policy.project,
                kind=Operation.Kind.EXPIRE,
                parameters=policy.parameters,
                actor=SYSTEM,
                is_confirmed=True,
            )


def verify_rebuilt(*, request: BuildRequest, **_: Any) -> None:
    """Ask for a check of what a build exports that was to make it anew."""
    if request.build.trigger != rebuilding.TRIGGER:
        return
    rebuilds = Operation.objects.filter(
        Q(plan__items__sources__contains=[request.source_id]),
        project=request.project_id,
        kind=Operation.Kind.REBUILD,
        state=State.DONE,
    )
    last = rebuilds.order_by("-requested_at").first()
    if last is None:
        return
    parameters = {"references": last.plan["items"]["references"], "deep": True}
    ask_for(
        project=request.project,
        kind=Operation.Kind.VERIFY,
        parameters=parameters,
        actor=OnBehalf(last.confirmed_by),
        is_confirmed=True,
    )
