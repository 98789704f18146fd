"""Many services at a glance, in a number of queries that does not grow with them."""

from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef

from accounts.models import Project
from buildinsights.templatetags.formats import duration
from builds.dashboards import summarise
from builds.models import Build, Service
from builds.querysets import USUAL_BUILDS
from builds.sparkline import sparkline_points
from builds.usual import verdict_of

NOTABLE_CHANGE_RATIO = 0.15
"""A median that moved less than this is not called slower."""


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """A service with its last builds, newest first, and what they add up to."""

    service: Service
    builds: list[Build]
    summary: dict[str, Any]

    @property
    def latest(self) -> Build | None:
        """The newest build."""
        return self.builds[0] if self.builds else None

    @property
    def sparkline(self) -> dict[str, str]:
        """Wall times of the succeeded builds, oldest first."""
        walls = [
            build.wall_seconds
            for build in reversed(self.builds)
            if build.status == Build.Status.SUCCEEDED and build.wall_seconds is not None
        ]
        if not walls:
            return {"points": "", "summary": ""}
        words = f"{len(walls)} succeeded builds, {duration(min(walls))} to {duration(max(walls))}"
        return {"points": sparkline_points(walls), "summary": words}

    @property
    def wall_delta_seconds(self) -> float | None:
        """Median of the last builds minus that of as many before."""
        now, before = self.summary["wall_seconds"], self.summary["wall_before_seconds"]
        return None if now is None or before is None else now - before

    @property
    def verdict(self) -> str:
        """Whether the service got better, worse or stayed the same."""
        return verdict_of(self.wall_delta_seconds, self.summary["wall_before_seconds"] or 0.0)

    @property
    def attention(self) -> list[str]:
        """Why somebody should look; empty when nothing is wrong."""
        reasons = []
        if self.latest and self.latest.status in {Build.Status.FAILED, Build.Status.LOST}:
            reasons.append(f"the last build {self.latest.get_status_display().lower()}")
        change = self.summary["wall_change_ratio"]
        if change is not None and change >= NOTABLE_CHANGE_RATIO:
            now, before = self.summary["wall_seconds"], self.summary["wall_before_seconds"]
            reasons.append(
                f"median wall time rose from {duration(before)} to {duration(now)} "
                f"over the last {USUAL_BUILDS} builds"
            )
        return reasons


def service_rows(project: Project) -> list[ServiceRow]:
    """Return a row a service: two queries, each service's builds found through its index."""
    newest = Build.objects.filter(service=OuterRef("pk")).newest_first()
    services: list[Any] = list(
        Service.objects.filter(project=project)
        .select_related("project")
        .annotate(build_ids=ArraySubquery(newest.values("pk")[: 2 * USUAL_BUILDS]))
    )
    ids = [pk for service in services for pk in service.build_ids]
    builds = (
        Build.objects.select_related("project", "service")
        .defer("frontend_attrs", "labels", "build_args")
        .in_bulk(ids)
    )
    return [_row(service, [builds[pk] for pk in service.build_ids]) for service in services]


def _row(service: Service, builds: list[Build]) -> ServiceRow:
    return ServiceRow(service, builds, summarise(builds))
