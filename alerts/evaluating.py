"""Rules are evaluated when they come due: each due time once, by whichever worker takes it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.db import transaction
from django.utils import timezone

from alerts.conditions import Window
from alerts.conditions.contract import Services
from alerts.exceptions import ChangedError, MovedError
from alerts.following import follow, look
from alerts.lifecycle import Deed, Tracks
from alerts.models import Alert, AlertMember, AlertRule, Silence
from alerts.reading import tracks_of, wanted_of
from alerts.states import State
from alerts.telling import silence_of, tell_firing, tell_resolved
from alerts.writing import write

log = structlog.get_logger(__name__)

AT_ONCE = 200
"""Rules that are taken at once: others are free for other workers."""


def evaluate_due(at: datetime | None = None) -> int:
    """Evaluate what is due; return how many rules there were."""
    total, now = 0, at or timezone.now()
    while rules := take_due(now):
        evaluate(rules, at or timezone.now())
        total += len(rules)
    return total


@transaction.atomic
def take_due(at: datetime) -> list[AlertRule]:
    """Take rules that are due, so that nobody else does; return those that were won.

    The next time is later than now, whatever was missed: being late costs one run. Workers take
    them in one order, and commit all at once: a commit for each would cost more than the rest.
    """
    due = AlertRule.objects.due(at).select_related("project")
    return [
        rule for rule in due.prefetch_related("services", "channels")[:AT_ONCE] if _take(rule, at)
    ]


def _take(rule: AlertRule, at: datetime) -> bool:
    every = timedelta(seconds=rule.every_seconds)
    next_at = rule.next_due_at + ((at - rule.next_due_at) // every + 1) * every
    same = AlertRule.objects.filter(pk=rule.pk, is_on=True, next_due_at=rule.next_due_at)
    return same.update(next_due_at=next_at) == 1


def evaluate(rules: Sequence[AlertRule], at: datetime) -> None:
    """Evaluate rules as of a time, projects apart; one that fails says so and stops no other."""
    by_project: defaultdict[int, list[AlertRule]] = defaultdict(list)
    for rule in rules:
        by_project[rule.project_id].append(rule)
    for project, own in by_project.items():
        whole = Window(project, at)
        window = replace(whole, services=_asked_about(own, whole))
        tracks = tracks_of(own, at)
        failed = {rule.pk for rule in own if not _evaluate(rule, tracks[rule.pk], window)}
        _tell_late(own, window)
        fine = [rule.pk for rule in own if rule.pk not in failed]
        AlertRule.objects.filter(pk__in=fine).update(evaluated_at=at, error="")


def _asked_about(rules: Sequence[AlertRule], whole: Window) -> Services:
    """Return the services that any of the rules is about."""
    found: set[int] = set()
    for rule in rules:
        named = frozenset(service.pk for service in rule.services.all()) or None
        meant = whole.meant(named, rule.labels)
        if meant is None:
            return None
        found |= meant
    return frozenset(found)


def _evaluate(rule: AlertRule, tracks: Tracks, window: Window) -> bool:
    """Evaluate one rule, all or nothing; tell whether that was possible."""
    try:
        wanted = wanted_of(rule).within(window)
        with transaction.atomic():
            seen = look(wanted, window)
            news = follow(tracks, seen, wanted, window)
            if news:
                _hold(rule)
            for track, acts in news:
                alert = write(rule, track, acts, window)
                if alert is not None:
                    _tell(rule, alert, {act.deed for act in acts}, window)
    except (MovedError, ChangedError):
        # A person was first: the next run, if there is one, sees where it stands.
        return True
    except SoftTimeLimitExceeded:
        raise
    except Exception as error:  # whatever it is, other rules go on
        log.exception("alert_rule_failed", rule=str(rule.public_id))
        text = f"{type(error).__name__}: {error}"[:500]
        AlertRule.objects.filter(pk=rule.pk).update(evaluated_at=window.at, error=text)
        return False
    return True


def _hold(rule: AlertRule) -> None:
    """Keep a rule as it was taken until all is written; who changes it then closes what opened.

    Raises:
        ChangedError: it was changed, switched off or deleted meanwhile.
    """
    same = AlertRule.objects.filter(pk=rule.pk, version=rule.version)
    if not same.select_for_update(no_key=True).exists():
        raise ChangedError


def _tell(rule: AlertRule, alert: Alert, deeds: set[Deed], window: Window) -> None:
    if Deed.FIRE in deeds:
        _tell_firing(rule, alert, window)
    if Deed.RESOLVE in deeds:
        tell_resolved(alert)


def _tell_firing(rule: AlertRule, alert: Alert, window: Window) -> None:
    active = Silence.objects.filter(project=rule.project_id).active(window.at)
    silences = window.once("silences", lambda: list(active))
    members = AlertMember.objects.filter(alert=alert, ended_at=None)
    services: set[int | None] = (
        set(members.values_list("service_id", flat=True)) if silences else set()
    )
    silence = silence_of(rule, services, silences, window)
    tell_firing(alert, rule.channels.all(), silence, window.at)


def _tell_late(rules: Sequence[AlertRule], window: Window) -> None:
    """Tell of what fires still, and was not told because of a silence that is over."""
    by_key = {rule.pk: rule for rule in rules if rule.channels.all()}
    waiting = Alert.objects.filter(
        rule__in=by_key, state=State.FIRING, told_at=None, clear_since=None
    )
    keys = waiting.exclude(fired_at=window.at).values_list("pk", "rule")
    for key, rule in list(keys):
        try:
            with transaction.atomic():
                # A person may have resolved it meanwhile: nobody is to hear of it then.
                alert = waiting.select_for_update(of=("self",)).told().filter(pk=key).first()
                if alert is not None:
                    _tell_firing(by_key[rule], alert, window)
        except SoftTimeLimitExceeded:
            raise
        except Exception:  # a channel was deleted, say: the next run goes on without it
            log.exception("alert_not_told", alert=key)
