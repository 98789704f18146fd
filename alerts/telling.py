"""Who is told what of an alert: once a channel and event."""

from collections.abc import Iterable
from datetime import datetime

from alerts.conditions import Window
from alerts.context import facts_of
from alerts.models import Alert, AlertEvent, AlertMember, AlertRule, Silence
from alerts.wording import shown
from alerts.writing import note
from channels.contract import Commit, Event, Fact, Message, Severity
from channels.models import Channel
from channels.services import queue_message

WANT_ACKNOWLEDGED = (Channel.Kind.PAGERDUTY, Channel.Kind.WEBHOOK)
"""Kinds at whose other end somebody would be called else, or that mirror what happens."""

MOST_MEMBERS = 5
LONGEST_FACT = 300


def tell(
    alert: Alert, event: Event, at: datetime, channels: Iterable[Channel], *, number: int = 1
) -> int:
    """Queue one message a channel; the same event of an alert is told once."""
    key = f"alert/{alert.public_id}/{event}/{number}"
    return queue_message(channels=channels, message=message_of(alert, event), key=key)


def tell_firing(
    alert: Alert, channels: Iterable[Channel], silence: Silence | None, at: datetime
) -> None:
    """Tell of an alert that fires, or note that it is not told and why."""
    usable = [channel for channel in channels if channel.is_on]
    if silence is not None:
        if alert.silence_id != silence.pk:
            Alert.objects.filter(pk=alert.pk).update(silence=silence)
            note(alert.pk, AlertEvent.Kind.SILENCED, at, silence.reason)
        return
    if not usable:
        return
    tell(alert, Event.FIRING, at, usable)
    Alert.objects.filter(pk=alert.pk).update(told_at=at)
    names = ", ".join(channel.name for channel in usable)
    note(alert.pk, AlertEvent.Kind.TOLD, at, names)


def tell_resolved(alert: Alert, channels: Iterable[Channel], at: datetime) -> None:
    """Tell those who were told of it that it is over."""
    if alert.told_at is not None:
        tell(alert, Event.RESOLVED, at, channels)


def tell_acknowledged(alert: Alert, at: datetime) -> None:
    """Tell the channels that want to know that somebody knows."""
    if alert.told_at is not None and alert.rule is not None:
        wanting = alert.rule.channels.filter(kind__in=WANT_ACKNOWLEDGED)
        tell(alert, Event.ACKNOWLEDGED, at, wanting)


def silence_of(
    rule: AlertRule, services: set[int | None], silences: Iterable[Silence], window: Window
) -> Silence | None:
    """Return the silence that covers an alert of a rule: that, and each of its services."""
    for silence in silences:
        named = None if silence.service_id is None else frozenset({silence.service_id})
        meant = window.meant(named, silence.labels)
        if silence.rule_id in {None, rule.pk} and (meant is None or services <= meant):
            return silence
    return None


def message_of(alert: Alert, event: Event) -> Message:
    """Return what is told."""
    commits = alert.context.get("commits", {})
    facts = [
        Fact(label, value[:LONGEST_FACT], path) for label, value, path in facts_of(alert.context)
    ]
    return Message(
        key=f"alert/{alert.public_id}",
        event=event,
        severity=Severity(alert.severity),
        title=alert.title,
        summary=alert.resolved_because or alert.summary,
        path=alert.get_absolute_url(),
        facts=(*facts, *_members(alert), Fact("Rule", alert.rule_name)),
        commit=Commit(commits["repository_url"], commits["last"], commits.get("change_id", ""))
        if commits.get("repository_url") and commits.get("last")
        else None,
    )


def _members(alert: Alert) -> list[Fact]:
    """Return what it is about, if that is more than one thing."""
    rows = list(AlertMember.objects.filter(alert=alert)[: MOST_MEMBERS + 1])
    if len(rows) < 2:  # one is what the title says
        return []
    facts = [
        Fact("Hits", f"{row.title}: {shown(row.value, row.unit)}", row.path)
        for row in rows[:MOST_MEMBERS]
    ]
    more = alert.members.count() - len(facts)
    return [*facts, Fact("Hits", f"{more} more", alert.get_absolute_url())] if more > 0 else facts
