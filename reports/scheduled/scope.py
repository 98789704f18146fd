"""What a report is about: which services, of which environment and branches, over which days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from accounts.models import Project
from builds.branches import BranchClass, branch_class
from builds.labels import labels_of
from builds.models import Build, Service
from builds.querysets import BuildQuerySet
from cache.periods import Period
from reports.models import ReportSection


@dataclass(frozen=True, slots=True)
class Scope:
    """``services`` are those that are meant: of these ``slugs``, with all ``labels``; or all.

    ``parts`` are those of the report that is made, once they are known.
    """

    project: Project
    services: Sequence[Service]
    slugs: tuple[str, ...]
    labels: tuple[str, ...]
    environment: str
    branch_class: str
    first: date
    last: date
    parts: tuple[str, ...] = tuple(ReportSection)

    @classmethod
    def of(
        cls,
        project: Project,
        *,
        slugs: Sequence[str] = (),
        labels: Sequence[str] = (),
        environment: str = "",
        branch_class: str = "",
        first: date,
        last: date,
    ) -> "Scope":
        """Return the scope with its services."""
        services = Service.objects.filter(project=project).select_related("project")
        if slugs:
            services = services.filter(slug__in=slugs)
        found = list(services.labelled(labels_of(labels)).order_by("name", "pk"))
        asked = tuple(slugs), tuple(labels)
        return cls(project, found, *asked, environment, branch_class, first, last)

    @property
    def is_of_all(self) -> bool:
        """Whether all services of the project are meant."""
        return not self.slugs and not self.labels

    @property
    def days(self) -> int:
        """How many days."""
        return (self.last - self.first).days + 1

    @property
    def period(self) -> Period:
        """The days, and those before them."""
        return Period(self.last, self.days)

    @property
    def since(self) -> datetime:
        """The first moment of the first day."""
        return datetime.combine(self.first, datetime.min.time(), UTC)

    @property
    def until(self) -> datetime:
        """The first moment after the last day."""
        return datetime.combine(self.last + timedelta(days=1), datetime.min.time(), UTC)

    @property
    def service_ids(self) -> list[int]:
        """Keys of the services."""
        return [service.pk for service in self.services]

    @property
    def builds(self) -> BuildQuerySet:
        """All builds that are meant, of whatever time."""
        rows = Build.objects.filter(project=self.project, service__in=self.service_ids)
        if self.environment:
            rows = rows.filter(environment=self.environment)
        if self.branch_class:
            rows = rows.alias(branch=branch_class()).filter(branch=self.branch_class)
        return rows

    @property
    def words(self) -> str:
        """What is meant, in words."""
        parts = [
            self._services_in_words,
            self.environment or "all environments",
            BranchClass(self.branch_class).label.lower() if self.branch_class else "all branches",
        ]
        return ", ".join(parts)

    @property
    def _services_in_words(self) -> str:
        named = ", ".join(service.name for service in self.services)
        if self.labels:
            which = (named if self.slugs else "services") if self.services else "no service"
            return f"{which} with {', '.join(self.labels)}"
        return (named or "services that are no longer there") if self.slugs else "all services"
