"""Writes of rules: a changed condition closes what the old one had opened."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.limits import MOST_RULES, require_room
from accounts.models import Project
from alerts.conditions import CONDITIONS, Wanted
from alerts.conditions.contract import SCOPES
from alerts.exceptions import ChangedError, NameTakenError, RuleGoneError
from alerts.models import Alert, AlertEvent, AlertRule
from alerts.reading import BadParametersError, parameters_of
from alerts.states import OPEN, State
from alerts.telling import tell_resolved
from alerts.writing import move, note
from audit.services import ActorLike, record
from builds.models import Service
from channels.models import Channel

CONDITION = ("kind", "parameters", *SCOPES)
"""What, if it changes, makes another condition of a rule."""

SCOPE_NAMES = {
    "services": "services",
    "labels": "labels of services",
    "branch_classes": "classes of branches",
    "environments": "environments",
    "targets": "targets",
}


@dataclass(frozen=True, slots=True)
class Draft:
    """A rule as somebody writes it."""

    values: dict[str, Any]
    """Columns of the rule."""
    services: Collection[Service] = field(default_factory=list)
    channels: Collection[Channel] = field(default_factory=list)

    def wanted(self) -> Wanted:
        """Return what it asks for.

        Raises:
            BadParametersError: its parameters are not those of its kind, or its scope says what
                the kind does not know.
        """
        unsaved = AlertRule(**self.values)
        parameters = parameters_of(unsaved.kind, unsaved.parameters)
        said = {name for name in SCOPES[1:] if self.values.get(name)}
        said |= {"services"} if self.services else set()
        if unknown := sorted(said - CONDITIONS[unsaved.kind].narrowed_by):
            names = ", ".join(SCOPE_NAMES[name] for name in unknown)
            raise BadParametersError(f"Rules of this kind know no {names}.")
        return Wanted.of(unsaved, parameters, [service.pk for service in self.services])


@transaction.atomic
def create_rule(*, project: Project, draft: Draft, actor: ActorLike) -> AlertRule:
    """Keep a rule, which is due at once.

    Raises:
        BadParametersError, NameTakenError: it is none, or there is one of this name.
        TooManyError: the project has as many as it may.
    """
    draft.wanted()
    require_room(AlertRule.objects.filter(project=project), MOST_RULES, "alert rules")
    rule = AlertRule(project=project, created_by=actor.actor_name[:200], **draft.values)
    _save(rule)
    return _settled(rule, draft, actor, "created", {})


@transaction.atomic
def change_rule(
    *, rule: AlertRule, draft: Draft, actor: ActorLike, version: int | None = None
) -> AlertRule:
    """Change a rule. If its condition is another one, or it is off, its open alerts are closed.

    Raises:
        ChangedError, RuleGoneError: it is not of the version that was looked at, or deleted.
        BadParametersError, NameTakenError: as of a new one.
    """
    draft.wanted()
    locked = _locked(rule)
    if version is not None and locked.version != version:
        raise ChangedError
    before = locked.as_document()
    for name, value in draft.values.items():
        setattr(locked, name, value)
    locked.version += 1
    locked.next_due_at, locked.error = timezone.now(), ""
    _save(locked)
    return _settled(locked, draft, actor, "changed", before)


@transaction.atomic
def delete_rule(*, rule: AlertRule, actor: ActorLike) -> None:
    """Forget a rule; its alerts are kept, and closed.

    Raises:
        RuleGoneError: somebody else did.
    """
    _locked(rule)
    _close(rule, "The rule was deleted.")
    before = rule.as_document()
    record(
        actor=actor,
        action="alert_rule.deleted",
        target=rule,
        project=rule.project,
        changes={"before": before},
    )
    rule.delete()


def _locked(rule: AlertRule) -> AlertRule:
    locked = AlertRule.objects.select_for_update().filter(pk=rule.pk).first()
    if locked is None:
        raise RuleGoneError
    return locked


def _save(rule: AlertRule) -> None:
    try:
        with transaction.atomic():
            rule.save()
    except IntegrityError as error:
        raise NameTakenError from error


def _settled(
    rule: AlertRule, draft: Draft, actor: ActorLike, act: str, before: dict[str, Any]
) -> AlertRule:
    rule.services.set(draft.services)
    rule.channels.set(draft.channels)
    after = rule.as_document()
    if before and any(before[name] != after[name] for name in CONDITION):
        _close(rule, "The rule asks for something else now.")
    elif not rule.is_on:
        _close(rule, "The rule was switched off.")
    changes = {
        name: [before.get(name), value]
        for name, value in after.items()
        if before.get(name) != value
    }
    record(
        actor=actor,
        action=f"alert_rule.{act}",
        target=rule,
        project=rule.project,
        changes=changes,
    )
    return AlertRule.objects.told().get(pk=rule.pk)


def _close(rule: AlertRule, text: str) -> None:
    now = timezone.now()
    for alert in Alert.objects.filter(rule=rule, state__in=OPEN).told():
        values = {"resolved_at": now, "clear_since": None, "holds": False}
        move(alert.pk, State.RESOLVED, **values, resolved_because=text)
        note(alert.pk, AlertEvent.Kind.RESOLVED, now, text)
        alert.refresh_from_db(fields=["resolved_because"])
        tell_resolved(alert)
    Alert.objects.filter(rule=rule, holds=True).update(holds=False)
