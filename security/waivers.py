"""Writes of waivers: one person asks, another approves, and time or people end them."""

from datetime import datetime
from itertools import groupby

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.roles import Scope
from accounts.typing import Actor
from audit.services import record
from builds.models import Service
from builds.services import lock_service
from security.exceptions import (
    NotAPersonError,
    NotYoursError,
    OwnWaiverError,
    WaiverSettledError,
)
from security.models import Finding, FindingEvent, Waiver
from security.policy import lock_services
from security.states import changing

State = Waiver.State


@transaction.atomic
def ask_for_waiver(
    *, waiver: Waiver, kind: str, reason: str, expires_at: datetime, actor: Actor
) -> Waiver:
    """Keep a drafted waiver; it covers nothing until another person approves it.

    Raises:
        NotAPersonError: a token asks.
    """
    person = _person(actor)
    waiver.kind, waiver.reason, waiver.expires_at = kind, reason, expires_at
    waiver.requested_by, waiver.requested_at = person, timezone.now()
    waiver.save()
    _note(waiver, FindingEvent.Kind.WAIVER_ASKED, waiver.requested_at, person)
    _audit(waiver, "asked", person)
    return waiver


@transaction.atomic
def approve_waiver(*, waiver: Waiver, actor: Actor) -> Waiver:
    """Let what a waiver covers stay, as it is found from now on, too.

    Raises:
        NotAPersonError: a token decides.
        OwnWaiverError: who asked for it approves it.
        WaiverSettledError: it does not wait any more.
    """
    person, now = _person(actor), timezone.now()
    row = _locked(waiver, now, State.PENDING)
    if row.requested_by_id == person.pk:
        raise OwnWaiverError
    row.approved_by, row.approved_at = person, now
    row.save(update_fields=["approved_by", "approved_at"])
    _audit(row, "approved", person)
    _settle(row, now)
    return row


@transaction.atomic
def reject_waiver(*, waiver: Waiver, actor: Actor) -> Waiver:
    """Refuse what was asked for.

    Raises:
        NotAPersonError: a token decides.
        WaiverSettledError: it does not wait any more.
    """
    person, now = _person(actor), timezone.now()
    row = _locked(waiver, now, State.PENDING)
    row.rejected_by, row.rejected_at = person, now
    row.save(update_fields=["rejected_by", "rejected_at"])
    _note(row, FindingEvent.Kind.WAIVER_REJECTED, now, person)
    _audit(row, "rejected", person)
    return row


@transaction.atomic
def revoke_waiver(*, waiver: Waiver, actor: Actor) -> Waiver:
    """Take a waiver back before its time; who asked may, and who may approve.

    Raises:
        NotAPersonError: a token decides.
        NotYoursError: somebody else's.
        WaiverSettledError: there is nothing to take back.
    """
    person, now = _person(actor), timezone.now()
    row = _locked(waiver, now, State.PENDING, State.ACTIVE)
    may_any = row.project_id in person.project_ids_with(Scope.FINDINGS_WAIVE)
    if not may_any and row.requested_by_id != person.pk:
        raise NotYoursError
    was_active = row.approved_at is not None
    row.revoked_by, row.revoked_at = person, now
    row.save(update_fields=["revoked_by", "revoked_at"])
    _audit(row, "revoked", person)
    if was_active:
        _settle(row, now)
    else:
        _note(row, FindingEvent.Kind.WAIVER_REVOKED, now, person)
    return row


def expire_waivers() -> int:
    """Settle findings whose waiver's time has come; return how many there were.

    Readers know before: this writes it down.
    """
    now = timezone.now()
    due = Finding.objects.filter(waived_until__lte=now).order_by("service", "pk")
    rows = list(due.values_list("service", "pk"))
    for service, found in groupby(rows, key=lambda row: row[0]):
        with transaction.atomic():
            lock_service(Service(pk=service))
            with changing({pk for _, pk in found}, now):
                pass
    return len(rows)


def _person(actor: Actor) -> User:
    if not isinstance(actor, User):
        raise NotAPersonError
    return actor


def _locked(waiver: Waiver, now: datetime, *states: Waiver.State) -> Waiver:
    row = Waiver.objects.select_for_update(of=("self",)).told().get(pk=waiver.pk)
    if row.state_at(now) not in states:
        raise WaiverSettledError
    return row


def _settle(waiver: Waiver, now: datetime) -> None:
    lock_services(waiver.project_id, waiver.service)
    rows = Finding.objects.in_scope_of(waiver).exclude(seen_state=Finding.State.FIXED)
    with changing(set(rows.order_by().values_list("pk", flat=True)), now):
        pass


def _note(waiver: Waiver, kind: str, at: datetime, actor: Actor) -> None:
    """Write into the history of what a waiver covers, or would, now."""
    covered = Finding.objects.covered_by(waiver).order_by("pk").values_list("pk", flat=True)
    FindingEvent.objects.bulk_create(
        (
            FindingEvent(
                project_id=waiver.project_id,
                finding_id=pk,
                at=at,
                kind=kind,
                waiver=waiver,
                actor=actor.actor_name,
            )
            for pk in covered.iterator()
        ),
        batch_size=1000,
    )


def _audit(waiver: Waiver, act: str, actor: User) -> None:
    record(
        actor=actor,
        action=f"waiver.{act}",
        target=waiver,
        project=waiver.project,
        changes={
            "scope": waiver.scope,
            "name": waiver.name,
            "service": waiver.service.slug if waiver.service else "",
            "package": waiver.package,
            "environment": waiver.environment,
            "kind": waiver.kind,
            "reason": waiver.reason,
            "expires_at": waiver.expires_at.isoformat(),
        },
    )
