"""What the lifecycle decided is written: each step a compare-and-set of one row."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from alerts.conditions import Observation, Window
from alerts.context import context_of
from alerts.exceptions import MovedError
from alerts.lifecycle import Act, Deed, Track
from alerts.models import Alert, AlertEvent, AlertMember, AlertRule
from alerts.states import State, sources_of

Kind = AlertEvent.Kind
MOST_NAMED = 10
"""Members that a line of the timeline names."""


def write(rule: AlertRule, track: Track, acts: Sequence[Act], window: Window) -> Alert | None:
    """Write what happens to one cause; return its alert if somebody may have to be told."""
    for act in acts:
        _WRITERS[act.deed](rule, track, act, window)
    is_news = any(act.deed in {Deed.FIRE, Deed.RESOLVE} for act in acts)
    return Alert.objects.told().get(pk=track.key) if is_news else None


def move(key: int, state: State, **values: Any) -> None:
    """Take an alert to a state.

    Raises:
        MovedError: it does not stand where one may come from to there.
    """
    rows = Alert.objects.filter(pk=key, state__in=sources_of(state))
    if rows.update(state=state, **values) != 1:
        raise MovedError


def note(key: int, kind: str, at: datetime, text: str = "", actor: str = "") -> None:
    """Add to an alert's timeline."""
    AlertEvent.objects.create(alert_id=key, kind=kind, at=at, text=text, actor=actor[:200])


def _notice(rule: AlertRule, track: Track, act: Act, window: Window) -> None:
    first = act.seen[0]
    alert = Alert.objects.create(
        project_id=rule.project_id,
        rule=rule,
        rule_name=rule.name,
        rule_version=rule.version,
        kind=rule.kind,
        cause=track.cause,
        title=title_of(act.seen),
        summary=first.summary,
        severity=rule.severity,
        fingerprint=first.fingerprint[:200],
        began_at=track.began_at or window.at,
        seen_at=window.at,
    )
    track.key = alert.pk
    AlertMember.objects.bulk_create(_members(track, act.seen, window.at))
    note(track.key, Kind.NOTICED, window.at, _names(act.seen))


def title_of(seen: Sequence[Observation]) -> str:
    """Return what an alert is called; of several services, what they have in common."""
    services = {item.service_id for item in seen}
    first = seen[0]
    if len(services) == 1:
        return first.title[:300]
    return title_with(first.title, first, len(services))


def title_with(title: str, joined: Observation, services: int) -> str:
    """Return a title when another one joins, of as many services by then."""
    if services <= 1:
        return title
    plain = title.rpartition(": ")[0] if title.endswith(" services") else title
    return f"{(joined.headline or plain)[:270]}: {services} services"


def _members(track: Track, seen: Iterable[Observation], at: datetime) -> list[AlertMember]:
    return [
        AlertMember(
            alert_id=track.key,
            group=item.group,
            service_id=item.service_id,
            title=item.title[:300],
            path=item.path[:500],
            value=item.value,
            threshold=item.threshold,
            unit=item.unit,
            samples=item.samples,
            since=item.since or at,
        )
        for item in seen
    ]


def _join(rule: AlertRule, track: Track, act: Act, window: Window) -> None:
    AlertMember.objects.bulk_create(
        _members(track, act.seen, window.at),
        update_conflicts=True,
        unique_fields=["alert", "group"],
        update_fields=["title", "value", "threshold", "samples", "since", "ended_at"],
    )
    note(track.key, Kind.JOINED, window.at, _names(act.seen))
    _count_again(track, act.seen[0])


def _count_again(track: Track, joined: Observation) -> None:
    """Say in the title how many services it is about by now."""
    rows = AlertMember.objects.filter(alert=track.key, service__isnull=False)
    services = rows.order_by().values("service").distinct().count()
    alert = Alert.objects.get(pk=track.key)
    title = title_with(alert.title, joined, services)
    Alert.objects.filter(pk=track.key).update(title=title)


def _leave(rule: AlertRule, track: Track, act: Act, window: Window) -> None:
    rows = AlertMember.objects.filter(alert=track.key, group__in=act.groups, ended_at=None)
    names = list(rows.values_list("title", flat=True)[:MOST_NAMED])
    rows.update(ended_at=window.at)
    left = _joined(names, len(act.groups))
    note(track.key, Kind.LEFT, window.at, f"{left}. {act.text}" if act.text else left)


def _fire(rule: AlertRule, track: Track, act: Act, window: Window) -> None:
    context = context_of(rule, track.key, act.seen, window)
    move(track.key, State.FIRING, fired_at=window.at, context=context)
    note(track.key, Kind.FIRED, window.at)


def _clear(rule: AlertRule, track: Track, act: Act, window: Window) -> None:
    Alert.objects.filter(pk=track.key).update(clear_since=window.at, holds=False)
    note(track.key, Kind.CLEARED, window.at)


def _flap(rule: AlertRule, track: Track, act: Act, window: Window) -> None:
    alert = Alert.objects.get(pk=track.key)
    values = {"clear_since": None, "holds": True, "flaps": alert.flaps + 1}
    Alert.objects.filter(pk=track.key).update(**values)
    note(track.key, Kind.FLAPPED, window.at)


def _resolve(rule: AlertRule, track: Track, act: Act, window: Window) -> None:
    values = {"resolved_at": window.at, "clear_since": None, "holds": False}
    move(track.key, State.RESOLVED, **values, resolved_because=act.text[:200])
    note(track.key, Kind.RESOLVED, window.at, act.text)


def _let_go(rule: AlertRule, track: Track, act: Act, window: Window) -> None:
    Alert.objects.filter(pk=track.key).update(holds=False)


_WRITERS = {
    Deed.NOTICE: _notice,
    Deed.JOIN: _join,
    Deed.LEAVE: _leave,
    Deed.FIRE: _fire,
    Deed.CLEAR: _clear,
    Deed.FLAP: _flap,
    Deed.RESOLVE: _resolve,
    Deed.LET_GO: _let_go,
}


def _names(seen: Sequence[Observation]) -> str:
    return _joined([item.title for item in seen[:MOST_NAMED]], len(seen))


def _joined(names: list[str], count: int) -> str:
    more = f" and {count - len(names)} more" if count > len(names) else ""
    return "; ".join(names) + more
