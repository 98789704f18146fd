"""Days of builds by group, read once for all rules of a project that look at the same days."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F
from django.urls import reverse

from accounts.models import Project
from alerts.conditions.contract import Choices, Wanted, Window, named
from builds.branches import branch_class
from builds.querysets import BuildQuerySet
from trends.metrics import Metric
from trends.models import HOMOGENEOUS, BuildDay

type Row = tuple[str, int, int, Any]
"""Class of branches, succeeded and failed builds, and the sketch of a metric."""

FIELDS = ("service_id", *HOMOGENEOUS, "branch_class", "succeeded", "failed")


def metrics_named(metrics: Mapping[str, Metric]) -> Choices:
    """Return metrics to choose from."""
    return named({name: metric.label for name, metric in metrics.items()})


@dataclass(frozen=True, slots=True)
class Group:
    """Builds that may be held against each other."""

    service_id: int
    target: str
    variant: str
    environment: str
    platforms: str

    @property
    def key(self) -> str:
        """What names it within a rule."""
        parts = (self.target, self.variant, self.environment, self.platforms)
        return f"service:{self.service_id}/" + "/".join(parts)

    @property
    def words(self) -> str:
        """Target, variant, environment and platforms."""
        parts = (self.target, self.variant, self.environment, self.platforms)
        return ", ".join(part for part in parts if part)


type Groups = dict[Group, list[Row]]


def rows_of(window: Window, metric: str, days: int, *, before: int = 0) -> dict[int, Groups]:
    """Return the rows of ``days`` days by service and group; ``before`` leaves out the newest."""
    last = window.last_day - timedelta(days=before)
    first = last - timedelta(days=days - 1)
    return window.once(("days", metric, first, last), lambda: _read(window, metric, first, last))


def _read(window: Window, metric: str, first: Any, last: Any) -> dict[int, Groups]:
    rows = window.narrowed(BuildDay.objects.within(first, last))
    found: defaultdict[int, defaultdict[Group, list[Row]]] = defaultdict(lambda: defaultdict(list))
    values = rows.order_by().values_list(*FIELDS, F(f"sketches__{metric}"))
    for service, target, variant, environment, platforms, *row in values.iterator(5000):
        group = Group(service, target, variant, environment, platforms)
        found[service][group].append(tuple(row))
    return {service: dict(groups) for service, groups in found.items()}


def meant(wanted: Wanted, found: dict[int, Groups]) -> Iterator[tuple[Group, list[Row]]]:
    """Yield the groups in the scope of a rule, with their rows of its classes of branches."""
    for service in sorted(found if wanted.services is None else wanted.services):
        for group, rows in found.get(service, {}).items():
            if wanted.covers(service=service, environment=group.environment, target=group.target):
                yield group, in_branches(rows, wanted.branch_classes)


def in_branches(rows: Iterable[Row], classes: frozenset[str]) -> list[Row]:
    """Return the rows of some classes of branches; of all, if none is named."""
    return [row for row in rows if not classes or row[0] in classes]


def name_of(window: Window, service_id: int | None) -> str:
    """Return the name of a service."""
    return window.names().get(service_id or 0, ("", ""))[0]


def trend_path(window: Window, group: Group, metric: str) -> str:
    """Return the address of a metric of a group over time."""
    slug = window.names().get(group.service_id, ("", ""))[1]
    project = window.once("slug", lambda: Project.objects.get(pk=window.project_id).slug)
    asked = {"metric": metric} | ({"target": group.target} if group.target else {})
    return reverse("trends:trend", args=[project, slug], query=asked) if slug else ""


def recent(wanted: Wanted, window: Window, builds: BuildQuerySet) -> BuildQuerySet:
    """Return of builds those of the project, and of a rule's days and classes of branches."""
    return since(wanted, window, builds, window.at - timedelta(days=wanted.parameters.days))


def since(wanted: Wanted, window: Window, builds: BuildQuerySet, first: datetime) -> BuildQuerySet:
    """Return of builds those of the project after a time, of a rule's classes of branches."""
    builds = window.narrowed(builds.filter(listed_at__gt=first, listed_at__lte=window.at))
    if wanted.branch_classes:
        classes = sorted(wanted.branch_classes)
        builds = builds.alias(branch=branch_class()).filter(branch__in=classes)
    return builds
