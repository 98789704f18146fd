"""Numbers of services and projects for Prometheus; labels are bounded.

Those of services are from the sums by day. Those of projects are there with 0, too, so that what is
watched does not vanish when all is well.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Max, Min, OuterRef, Q, Subquery
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from accounts.models import Project
from alerts.models import Alert
from analytics.sketch import merged, quantiles
from audit.models import AuditChain, Checkpoint
from audit.services import chain_name
from builds.models import Build, Service
from channels.contract import Severity
from channels.models import Delivery
from farm.models import BuildRequest
from reports.models import ReportRun
from trends.models import BuildDay, Change

MOST_SERVICES = 500
"""Services that have numbers of their own, those built last."""

DAYS = 7
SHARES = (0.5, 0.9)
SERVICE = ("project", "service")
PROJECT = ("project",)

type Row = tuple[Sequence[str], float]
"""Values of the labels, and the number."""


def exposition(project_ids: Iterable[int]) -> bytes:
    """Return the numbers of these projects and their services in the text format of Prometheus."""
    registry, ids = CollectorRegistry(), list(project_ids)
    registry.register(_Services(ids))
    registry.register(_Projects(ids))
    return generate_latest(registry)


class _Services(Collector):
    """Gauges of services: windows of days are counted up to now."""

    def __init__(self, project_ids: list[int]) -> None:
        newest = Build.objects.filter(service=OuterRef("pk")).newest_first()
        services = (
            Service.objects.filter(project__in=project_ids)
            .annotate(last=Subquery(newest.values("listed_at")[:1]))
            .order_by(F("last").desc(nulls_last=True), "pk")
            .values_list("pk", "project__slug", "slug")[:MOST_SERVICES]
        )
        self.projects = project_ids
        self.names = {pk: (project, slug) for pk, project, slug in services}

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield each gauge with all its rows."""
        days = self._days()
        yield _gauge(
            "builds", f"Builds that ended in {DAYS} days.", (*SERVICE, "status"), _counts(days)
        )
        for name, unit, words in SKETCHED:
            help_text = f"{words} of succeeded builds of {DAYS} days, quantiles."
            yield _gauge(name, help_text, (*SERVICE, "quantile"), self._sketched(days, name, unit))
        words = "Changes for the worse that are open."
        yield _gauge("open_changes", words, (*SERVICE, "metric"), self._open())
        words = "Builds that this server is asked for."
        yield _gauge("requests", words, (*SERVICE, "state"), self._queue())

    def _days(self) -> dict[tuple[str, str], list[Any]]:
        first = timezone.now().date() - timedelta(days=DAYS - 1)
        days = BuildDay.objects.filter(service__in=self.names, day__gte=first)
        # The three distributions, and not all that a row has.
        sketches = {name: F(f"sketches__{name}") for name, _, _ in SKETCHED}
        rows = days.values("service_id", "builds", "succeeded", "failed", **sketches)
        found: defaultdict[tuple[str, str], list[Any]] = defaultdict(list)
        for row in rows:
            found[self.names[row["service_id"]]].append(row)
        return found

    def _sketched(
        self, days: dict[tuple[str, str], list[Any]], name: str, unit: str
    ) -> Iterator[Row]:
        for labels, rows in days.items():
            whole = merged(row[name] or {} for row in rows)
            for share, value in zip(SHARES, quantiles(whole, SHARES, unit) or (), strict=False):
                yield (*labels, str(share)), value

    def _open(self) -> Iterator[Row]:
        changes = Change.objects.filter(series__service__in=self.names, is_worse=True).open()
        rows = changes.order_by().values_list("series__service", "series__metric")
        for service, metric, count in rows.annotate(Count("pk")):
            yield (*self.names[service], metric), count

    def _queue(self) -> Iterator[Row]:
        requests = BuildRequest.objects.filter(project__in=self.projects)
        active = requests.exclude(state=BuildRequest.State.ENDED).order_by()
        rows = active.values_list("source__service", "state").annotate(Count("pk"))
        for service, state, count in rows:
            if service in self.names:
                yield (*self.names[service], state), count


SKETCHED = (
    ("wall_seconds", "s", "Wall time in seconds"),
    ("image_bytes", "bytes", "Compressed image size in bytes"),
    ("hit_ratio_time", "ratio", "Cache hits by time, 0 to 1,"),
)


def _counts(days: dict[tuple[str, str], list[Any]]) -> Iterator[Row]:
    counts: tuple[tuple[str, Callable[[Any], int]], ...] = (
        ("succeeded", lambda row: row["succeeded"]),
        ("failed", lambda row: row["failed"]),
        ("other", lambda row: row["builds"] - row["succeeded"] - row["failed"]),
    )
    for labels, rows in days.items():
        for status, count in counts:
            yield (*labels, status), sum(map(count, rows))


class _Projects(Collector):
    """Gauges of what tells people and of what proves: does it reach anybody, does it hold."""

    def __init__(self, project_ids: list[int]) -> None:
        self.now = timezone.now()
        self.projects = project_ids
        rows = Project.objects.filter(pk__in=project_ids).order_by("slug")
        self.names = {project.pk: project.slug for project in rows}
        self.chains = {chain_name(project): project.slug for project in rows}

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield each gauge with all its rows."""
        words = "Alerts that fire and that nobody has acknowledged."
        yield _gauge("alerts_firing", words, (*PROJECT, "severity"), self._firing())
        yield from self._deliveries()
        words = f"Reports by schedule of {DAYS} days that were given up."
        yield _gauge("report_runs_failed", words, PROJECT, self._reports())
        yield from self._trail()

    def _firing(self) -> Iterator[Row]:
        firing = Alert.objects.filter(project__in=self.projects).firing().order_by()
        rows = firing.values_list("project", "severity").annotate(Count("pk"))
        counts = {(project, severity): count for project, severity, count in rows}
        for pk, name in self.names.items():
            for severity in Severity:
                yield (name, severity), counts.get((pk, severity), 0)

    def _deliveries(self) -> Iterator[GaugeMetricFamily]:
        since = self.now - timedelta(days=DAYS)
        pending, failed = Delivery.State.PENDING, Delivery.State.FAILED
        told = Delivery.objects.filter(
            Q(state=pending) | Q(state=failed, created_at__gte=since), project__in=self.projects
        )
        found = {
            (row["project"], row["state"]): row
            for row in told.order_by()
            .values("project", "state")
            .annotate(count=Count("pk"), oldest=Min("created_at"))
        }
        counts = [
            ((name, state), found.get((pk, state), {"count": 0})["count"])
            for pk, name in self.names.items()
            for state in (pending, failed)
        ]
        words = f"Deliveries that are to be sent, or of {DAYS} days that were given up."
        yield _gauge("deliveries", words, (*PROJECT, "state"), counts)
        ages = [
            ((name,), self._age(found.get((pk, pending), {"oldest": None})["oldest"]))
            for pk, name in self.names.items()
        ]
        words = "For how long the oldest delivery waits to be sent; 0 if none does."
        yield _gauge("oldest_pending_delivery_seconds", words, PROJECT, ages)

    def _reports(self) -> Iterator[Row]:
        since = self.now - timedelta(days=DAYS)
        failed = ReportRun.objects.filter(
            project__in=self.projects, state=ReportRun.State.FAILED, due_at__gte=since
        )
        counts = dict(failed.order_by().values_list("project").annotate(Count("pk")))
        for pk, name in self.names.items():
            yield (name,), counts.get(pk, 0)

    def _trail(self) -> Iterator[GaugeMetricFamily]:
        heads = {head.name: head for head in AuditChain.objects.filter(pk__in=self.chains)}
        signed: dict[str, Any] = {
            row["chain"]: row
            for row in Checkpoint.objects.filter(chain__in=self.chains)
            .order_by()
            .values("chain")
            .annotate(made_at=Max("made_at"), sequence=Max("sequence"))
        }
        broken = [
            ((name,), int(chain in heads and heads[chain].is_broken))
            for chain, name in self.chains.items()
        ]
        words = "1 if the last proof of the project's audit trail failed."
        yield _gauge("audit_chain_broken", words, PROJECT, broken)
        ages = [((self.chains[c],), self._age(row["made_at"])) for c, row in signed.items()]
        words = "Age of the newest signed checkpoint of the project's audit trail; none if none is."
        yield _gauge("audit_checkpoint_age_seconds", words, PROJECT, ages)
        unsigned = [
            ((self.chains[c],), head.sequence - signed.get(c, {"sequence": 0})["sequence"])
            for c, head in heads.items()
        ]
        words = "Events that came since the newest checkpoint."
        yield _gauge("audit_unsigned_events", words, PROJECT, unsigned)

    def _age(self, moment: datetime | None) -> float:
        return (self.now - moment).total_seconds() if moment else 0


def _gauge(name: str, words: str, labels: Sequence[str], rows: Iterable[Row]) -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(f"buildinsights_{name}", words, labels=labels)
    for values, value in rows:
        gauge.add_metric(values, value)
    return gauge
