"""Whether what an alert was about is better since it was resolved."""

from dataclasses import dataclass
from statistics import median

from django.db.models import F, Value
from django.db.models.functions import Concat

from alerts.models import Alert, AlertMember
from alerts.models.rule import Kind
from buildinsights.templatetags.formats import counted
from builds.aggregates import Joined
from builds.models import Build
from builds.querysets import BuildQuerySet
from trends.following import builds_of
from trends.metrics import METRICS, Metric
from trends.models import Series

ENOUGH = 5
"""Builds on each side from which on it is told."""

MOST = 20
"""Builds of each side that are looked at, those next to the end of the alert."""


_SLASH, _PLATFORMS = Value("/"), Joined(F("platforms"), Value(","))
NAME = Concat("target", _SLASH, "variant", _SLASH, "environment", _SLASH, _PLATFORMS)
"""What follows the service in the name of a group (``alerts.conditions.groups``). Names are
matched and not taken apart: targets and platforms may have slashes, too."""

NAME_IN_CACHE = Concat("target", _SLASH, "variant", _SLASH, _SLASH, _PLATFORMS)
"""The same where environments are not told apart."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Medians of a metric while it fired, and since: of how many builds."""

    metric: str
    before: str
    builds_before: int
    since: str
    builds_since: int
    is_better: bool | None
    """``None``: too few builds for that, or none came while it could have ended."""
    because: str = ""
    """Why it was resolved, if not because its condition ended."""

    @property
    def words(self) -> str:
        """What came of it, in a sentence."""
        if self.because:
            return f"Not known: {self.because}"
        if self.is_better is None:
            return (
                f"Not known yet: {counted(self.builds_since, 'build')} since, "
                f"{self.builds_before} while it fired; {ENOUGH} are needed of each."
            )
        word = "Better" if self.is_better else "Not better"
        return (
            f"{word}: the median was {self.before} of {self.builds_before} builds while it fired, "
            f"and is {self.since} of {self.builds_since} since."
        )


def outcome_of(alert: Alert) -> Outcome | None:
    """Return what came of a resolved alert about a metric of builds that are alike."""
    metric = METRICS.get(alert.context.get("metric", ""))
    members = alert.members.filter(service__isnull=False)
    member = members.filter(group=alert.context.get("member", "")).first() or members.first()
    if metric is None or member is None or alert.resolved_at is None or alert.fired_at is None:
        return None
    builds = _builds_of(alert, member)
    if builds is None:
        return None
    values = (
        builds.filter(**{f"{metric.name}__isnull": False})
        .succeeded()
        .order_by("-listed_at")
        .values_list(metric.name, flat=True)
    )
    fired = values.filter(listed_at__gte=alert.began_at, listed_at__lt=alert.resolved_at)
    before = [float(value) for value in fired[:MOST]]
    after = values.filter(listed_at__gte=alert.resolved_at).reverse()
    since = [float(value) for value in after[:MOST]]
    is_better = None
    if not alert.resolved_because and min(len(before), len(since)) >= ENOUGH:
        is_better = _is_better(metric, median(before), median(since))
    return Outcome(
        metric.label,
        str(metric.shown(median(before))) if before else "",
        len(before),
        str(metric.shown(median(since))) if since else "",
        len(since),
        is_better,
        alert.resolved_because,
    )


def _is_better(metric: Metric, before: float, since: float) -> bool:
    return since < before if metric.less_is_better else since > before


def _builds_of(alert: Alert, member: AlertMember) -> BuildQuerySet | None:
    """Return the builds of the group that it was told from; ``None`` if that is forgotten."""
    kind, _, key = member.group.partition(":")
    if kind == Kind.CHANGE:
        series = Series.objects.filter(changes__public_id=key).first()
        return builds_of(series) if series else None
    group = key.partition("/")[2] if kind == Kind.BUDGET else member.group
    name = NAME_IN_CACHE if alert.kind == Kind.HIT_RATIO else NAME
    builds = Build.objects.filter(service=member.service_id).alias(name=name)
    return builds.filter(name=group.partition("/")[2])
