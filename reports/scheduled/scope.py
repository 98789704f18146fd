"""What a report is about: which services, of which environment and branches, over which days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from accounts.models import Project
from builds.branches import BranchClass, branch_class
from builds.models import Build, Service
from builds.querysets import BuildQuerySet
from cache.periods import Period


@dataclass(frozen=True, slots=True)
class Scope:
    """``services`` are those that are meant; ``slugs`` is empty if these are all."""

    project: Project
    services: Sequence[Service]
    slugs: tuple[str, ...]
    environment: str
    branch_class: str
    first: date
    last: date

    @classmethod
    def of(
        cls,
        project: Project,
        *,
        slugs: Sequence[str] = (),
        environment: str = "",
        branch_class: str = "",
        first: date,
        last: date,
    ) -> "Scope":
        """Return the scope with its services."""
        services = Service.objects.filter(project=project).select_related("project")
        if slugs:
            services = services.filter(slug__in=slugs)
        found = list(services.order_by("name", "pk"))
        return cls(project, found, tuple(slugs), environment, branch_class, first, last)

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
        named = ", ".join(service.name for service in self.services)
        parts = [
            (named or "services that are no longer there") if self.slugs else "all services",
            self.environment or "all environments",
            BranchClass(self.branch_class).label.lower() if self.branch_class else "all branches",
        ]
        return ", ".join(parts)
