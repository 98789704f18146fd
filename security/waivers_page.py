"""The page of waivers, and what asking for one would cover."""

from typing import Any

from django.utils import timezone

from accounts.models import Project, User
from accounts.roles import Scope
from accounts.typing import Actor
from security.models import Finding, Waiver
from security.waiver_form import drafted

MOST = 100
"""Waivers of a state that are shown."""

State = Waiver.State


def waivers_page(project: Project, actor: Actor) -> dict[str, Any]:
    """Return the context: what waits first, then what is active, the first to end first."""
    own = Waiver.objects.filter(project=project).told()
    may_decide = project.pk in actor.project_ids_with(Scope.FINDINGS_WAIVE)
    pending = list(own.in_state(State.PENDING).order_by("requested_at")[:MOST])
    active = list(own.in_state(State.ACTIVE).order_by("expires_at")[:MOST])
    over = [
        *own.in_state(State.EXPIRED)[:MOST],
        *own.in_state(State.REVOKED)[:MOST],
        *own.in_state(State.REJECTED)[:MOST],
    ]
    over.sort(key=_ended_at, reverse=True)
    return {
        "pending": [_line(row, actor, may_decide=may_decide) for row in pending],
        "active": [_line(row, actor, may_decide=may_decide) for row in active],
        "over": [_line(row, actor, may_decide=may_decide) for row in over[:MOST]],
        "most": MOST,
    }


def _ended_at(waiver: Waiver) -> Any:
    return waiver.rejected_at or waiver.revoked_at or waiver.expires_at


def _line(waiver: Waiver, actor: Actor, *, may_decide: bool) -> dict[str, Any]:
    now = timezone.now()
    is_own = isinstance(actor, User) and waiver.requested_by_id == actor.pk
    return {
        "waiver": waiver,
        "state": waiver.state_at(now),
        "covers": covers_of(waiver),
        "days_left": (waiver.expires_at - now).days,
        "may_approve": may_decide and not is_own,
        "may_reject": may_decide,
        "may_revoke": may_decide or is_own,
        "is_own": is_own,
        "ended_at": _ended_at(waiver),
    }


def covers_of(waiver: Waiver) -> str:
    """Return in words what a waiver covers."""
    where = {
        Waiver.Scope.FINDING: f"one finding in {waiver.service}, {waiver.package}".rstrip(", "),
        Waiver.Scope.SERVICE: f"{waiver.service}, any package",
        Waiver.Scope.PACKAGE: f"{waiver.package} in all services",
        Waiver.Scope.PROJECT: "all services",
    }[Waiver.Scope(waiver.scope)]
    return f"{where}; only in {waiver.environment}" if waiver.environment else where


def coverage_of(finding: Finding) -> list[dict[str, Any]]:
    """Return how many findings a waiver of each scope around a finding would cover now."""
    scopes = [scope for scope in Waiver.Scope if finding.package or scope != Waiver.Scope.PACKAGE]
    return [
        {
            "label": scope.label,
            "count": Finding.objects.covered_by(drafted(finding, scope)).count(),
        }
        for scope in scopes
    ]
