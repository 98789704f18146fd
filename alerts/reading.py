"""What is stored, as the lifecycle knows it: two queries for any number of rules."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from pydantic import ValidationError

from alerts.conditions import CONDITIONS, Parameters, Wanted
from alerts.lifecycle import Track, Tracks
from alerts.models import Alert, AlertMember, AlertRule
from alerts.states import OPEN, State
from buildinsights.exceptions import DomainError

LONGEST_SETTLING = timedelta(days=7)


class BadParametersError(DomainError):
    """What a rule says is not what its kind wants."""

    code = "bad_parameters"
    message = "These are no parameters of this kind of rule."

    def __init__(self, message: str = "", errors: Mapping[str, list[str]] | None = None) -> None:
        super().__init__(message)
        self.errors = errors or {}
        """Its sentences by parameter; those of none in particular are by an empty name."""


def parameters_of(kind: str, document: Any) -> Parameters:
    """Return the parameters of a kind.

    Raises:
        BadParametersError: they are none; the message names the place.
    """
    try:
        return CONDITIONS[kind].parameters.model_validate(document)
    except ValidationError as error:
        problems = (
            ": ".join(
                [*([".".join(map(str, item["loc"]))] if item["loc"] else []), _plain(item["msg"])]
            )
            for item in error.errors(include_url=False)
        )
        raise BadParametersError("; ".join(problems), _by_name(error)) from error


def _by_name(error: ValidationError) -> dict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for item in error.errors(include_url=False):
        names = item["loc"] or item.get("ctx", {}).get("fields", ("",))
        found[str(names[0])].append(_plain(item["msg"]))
    return dict(found)


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ")


def wanted_of(rule: AlertRule) -> Wanted:
    """Return what a saved rule asks for; its services are to be prefetched."""
    parameters = parameters_of(rule.kind, rule.parameters)
    return Wanted.of(rule, parameters, [service.pk for service in rule.services.all()])


def tracks_of(rules: Sequence[AlertRule], at: datetime) -> dict[int, Tracks]:
    """Return what is known of each rule: open alerts, and closed ones that still matter."""
    matter = Q(holds=True) | Q(resolved_at__gt=at - LONGEST_SETTLING, fired_at__isnull=False)
    kept = Q(state__in=OPEN) | Q(state=State.RESOLVED) & matter
    rows = Alert.objects.filter(kept, rule__in=[rule.pk for rule in rules])
    found: defaultdict[int, Tracks] = defaultdict(Tracks)
    fields = ("pk", "rule_id", "cause", "state", "began_at", "clear_since", "resolved_at", "holds")
    by_key = {}
    for row in rows.order_by("seen_at", "pk").values_list(*fields):
        track = _track(row, found[row[1]].by_cause.get(row[2]))
        found[row[1]].by_cause[track.cause] = track
        by_key[row[0]] = track
    members = AlertMember.objects.filter(alert__in=[pk for pk, t in by_key.items() if t.is_open])
    told = members.values_list("alert_id", "group", "service_id", "ended_at")
    for alert, group, service, ended in told:
        by_key[alert].groups[group] = ended is None
        by_key[alert].services[group] = service
    return found


def _track(row: Iterable[Any], earlier: Track | None) -> Track:
    key, _rule, cause, state, began, clear, resolved, holds = row
    last = resolved or (earlier.resolved_at if earlier else None)
    is_held = state == State.RESOLVED and holds
    return Track(cause, key, State(state), began, clear, last, is_held)
