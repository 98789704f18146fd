"""Whether what an alert was about is better since it was resolved."""

from dataclasses import dataclass
from statistics import median

from alerts.models import Alert
from builds.models import Build
from trends.metrics import METRICS

ENOUGH = 5
"""Builds on each side from which on it is told."""

MOST = 20
"""Builds of each side that are looked at, those next to the end of the alert."""


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
    """Why nothing was known of it any more when it was resolved."""

    @property
    def words(self) -> str:
        """What came of it, in a sentence."""
        if self.because:
            return f"Not known: it was resolved because nothing came any more. {self.because}"
        if self.is_better is None:
            return (
                f"Not known yet: {self.builds_since} builds since, {self.builds_before} while it "
                f"fired; {ENOUGH} are needed of each."
            )
        word = "Better" if self.is_better else "Not better"
        return (
            f"{word}: the median was {self.before} of {self.builds_before} builds while it fired, "
            f"and is {self.since} of {self.builds_since} since."
        )


def outcome_of(alert: Alert) -> Outcome | None:
    """Return what came of a resolved alert about a metric of builds of one service."""
    metric = METRICS.get(alert.context.get("metric", ""))
    member = alert.members.filter(service__isnull=False).first()
    if metric is None or member is None or alert.resolved_at is None or alert.fired_at is None:
        return None
    builds = Build.objects.filter(service=member.service_id, **{f"{metric.name}__isnull": False})
    values = builds.succeeded().order_by("-listed_at").values_list(metric.name, flat=True)
    fired = values.filter(listed_at__gte=alert.began_at, listed_at__lt=alert.resolved_at)
    before = [float(value) for value in fired[:MOST]]
    after = values.filter(listed_at__gte=alert.resolved_at).reverse()
    since = [float(value) for value in after[:MOST]]
    is_better = None
    if not alert.resolved_because and min(len(before), len(since)) >= ENOUGH:
        is_better = metric.worse(1) is (median(since) < median(before))
    return Outcome(
        metric.label,
        str(metric.shown(median(before))) if before else "",
        len(before),
        str(metric.shown(median(since))) if since else "",
        len(since),
        is_better,
        alert.resolved_because,
    )
