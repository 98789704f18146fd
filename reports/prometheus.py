"""Numbers of services for Prometheus, from the sums by day; labels are bounded."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any

from django.db.models import Count, F, OuterRef, Subquery
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from analytics.sketch import merged, quantiles
from builds.models import Build, Service
from farm.models import BuildRequest
from trends.models import BuildDay, Change

MOST_SERVICES = 500
"""Services that have numbers of their own, those built last."""

DAYS = 7
SHARES = (0.5, 0.9)
SERVICE = ("project", "service")

type Row = tuple[Sequence[str], float]
"""Values of the labels, and the number."""


def exposition(project_ids: Iterable[int]) -> bytes:
    """Return the numbers of all services of these projects in the text format of Prometheus."""
    registry = CollectorRegistry()
    registry.register(_Services(list(project_ids)))
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
        yield _gauge("builds", f"Builds that ended in {DAYS} days.", "status", _counts(days))
        for name, unit, words in SKETCHED:
            help_text = f"{words} of succeeded builds of {DAYS} days, quantiles."
            yield _gauge(name, help_text, "quantile", self._sketched(days, name, unit))
        yield _gauge("open_changes", "Changes for the worse that are open.", "metric", self._open())
        yield _gauge("requests", "Builds that this server is asked for.", "state", self._queue())

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


def _gauge(name: str, words: str, label: str, rows: Iterable[Row]) -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(f"buildinsights_{name}", words, labels=[*SERVICE, label])
    for labels, value in rows:
        gauge.add_metric(labels, value)
    return gauge
