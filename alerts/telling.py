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

AFTERWARDS = {"Now": "When it fired"}
"""What facts are called when it is over: the context is kept as it was when it fired."""

MOST_MEMBERS = 5
LONGEST_FACT = 300


def tell(alert: Alert, event: Event, channels: Iterable[Channel]) -> int:
    """Queue one message a channel; the same event of an alert is told once."""
    key = f"alert/{alert.public_id}/{event}"
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
    tell(alert, Event.FIRING, usable)
    Alert.objects.filter(pk=alert.pk).update(told_at=at)
    alert.told_channels.set(usable)
    names = ", ".join(channel.name for channel in usable)
    note(alert.pk, AlertEvent.Kind.TOLD, at, names)


def tell_resolved(alert: Alert) -> None:
    """Tell the channels that were told of it that it is over, whatever the rule has by now."""
    tell(alert, Event.RESOLVED, alert.told_channels.all())


def tell_acknowledged(alert: Alert) -> None:
    """Tell the channels that were told of it, and want to know, that somebody knows."""
    tell(alert, Event.ACKNOWLEDGED, alert.told_channels.filter(kind__in=WANT_ACKNOWLEDGED))


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
    labels = AFTERWARDS if event == Event.RESOLVED else {}
    facts = [
        Fact(labels.get(label, label), value[:LONGEST_FACT], path)
        for label, value, path in facts_of(alert.context)
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
