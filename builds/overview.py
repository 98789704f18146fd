"""Many services at a glance, in a number of queries that does not grow with them."""

from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef

from accounts.models import Project
from builds.dashboards import summarise
from builds.models import Build, Service
from builds.querysets import USUAL_BUILDS

NOTABLE_CHANGE_PCT = 15.0
"""A median that moved less than this is not called slower."""


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """A service with its last builds, newest first, and what they add up to."""

    service: Service
    builds: list[Build]
    summary: dict[str, Any]

    @property
    def walls(self) -> list[float | None]:
        """Wall seconds, oldest first, for a sparkline."""
        return [build.wall_seconds for build in reversed(self.builds)]

    @property
    def attention(self) -> list[str]:
        """Why somebody should look; empty when nothing is wrong."""
        reasons = []
        latest = self.summary["latest"]
        if latest and latest.status in {Build.Status.FAILED, Build.Status.LOST}:
            reasons.append(f"last build {latest.get_status_display().lower()}")
        change = self.summary["wall_change_pct"]
        if change is not None and change >= NOTABLE_CHANGE_PCT:
            reasons.append(f"median {change:.0f} % slower than the {USUAL_BUILDS} builds before")
        return reasons


def service_rows(project: Project) -> list[ServiceRow]:
    """Return a row a service: two queries, each service's builds found through its index."""
    newest = Build.objects.filter(service=OuterRef("pk")).newest_first()
    services: list[Any] = list(
        Service.objects.filter(project=project).annotate(
            build_ids=ArraySubquery(newest.values("pk")[: 2 * USUAL_BUILDS])
        )
    )
    ids = [pk for service in services for pk in service.build_ids]
    builds = Build.objects.defer("frontend_attrs", "labels", "build_args").in_bulk(ids)
    return [_row(service, [builds[pk] for pk in service.build_ids]) for service in services]


def _row(service: Service, builds: list[Build]) -> ServiceRow:
    return ServiceRow(service, builds, summarise(builds))
