"""Budgets that the newest builds do not keep to."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any

from django.urls import reverse
from pydantic import Field

from alerts.conditions.contract import (
    Condition,
    Observation,
    Parameters,
    Quiet,
    Wanted,
    Window,
    between,
    ends_of_days,
)
from alerts.conditions.groups import Group, metrics_named, recent
from alerts.conditions.last_days import last_values
from builds.models import Build
from builds.querysets import BuildQuerySet
from trends.metrics import METRICS
from trends.models import Budget

GROUP = ("service_id", "target", "variant", "environment", "platforms")


class BudgetParameters(Parameters):
    """Budgets of which metrics; builds of how many days count."""

    metrics: Annotated[list[str], metrics_named(METRICS)] = Field(
        default_factory=lambda: ["image_bytes"],
        min_length=1,
        title="Budgets of",
        description="A group without a budget is not looked at.",
    )
    days: int = Field(
        default=30,
        ge=1,
        le=90,
        title="Builds of the last days",
        description="The newest of them counts.",
    )

    def model_post_init(self, context: Any) -> None:
        """Refuse metrics that have no budgets."""
        if unknown := sorted(set(self.metrics) - set(METRICS)):
            raise ValueError(f"{', '.join(unknown)} can have no budget: {', '.join(METRICS)}.")


def observe(wanted: Wanted, window: Window) -> Iterator[Observation]:
    """Yield the newest succeeded build of each group against each budget that it has."""
    said: BudgetParameters = wanted.parameters
    budgets = window.once("budgets", lambda: _budgets(window))
    key = ("newest", said.days, wanted.branch_classes)
    for build in window.once(key, lambda: list(_newest(wanted, window))):
        covered = wanted.covers(
            service=build.service_id, environment=build.environment, target=build.target
        )
        for budget in budgets.get(build.service_id, []) if covered else []:
            value = getattr(build, budget.metric)
            if budget.metric in said.metrics and _is_of(budget, build) and value is not None:
                yield _observed(budget, build, float(value))


def _budgets(window: Window) -> dict[int, list[Budget]]:
    found: dict[int, list[Budget]] = {}
    for budget in window.narrowed(Budget.objects.order_by("metric", "pk")):
        found.setdefault(budget.service_id, []).append(budget)
    return found


def _builds(wanted: Wanted, window: Window) -> BuildQuerySet:
    with_budget = Budget.objects.filter(service__project=window.project_id).values("service")
    return recent(wanted, window, Build.objects.succeeded().filter(service__in=with_budget))


def _newest(wanted: Wanted, window: Window) -> Any:
    rows = _builds(wanted, window).order_by(*GROUP, "-listed_at", "-pk").distinct(*GROUP)
    fields = ("pk", "public_id", "revision", "listed_at", *GROUP, *METRICS)
    return rows.select_related("service__project").only(
        *fields, "service__name", "service__slug", "service__project__slug"
    )


def _is_of(budget: Budget, build: Build) -> bool:
    return budget.target in {"", build.target} and budget.variant in {"", build.variant}


def _observed(budget: Budget, build: Build, value: float) -> Observation:
    metric, service = budget.means, build.service
    group = Group(
        build.service_id, build.target, build.variant, build.environment, ",".join(build.platforms)
    )
    is_bad = not budget.is_kept(value)
    return Observation(
        group=f"budget:{budget.pk}/{group.key}",
        title=f"{metric.label} of {service.name} is over its budget"
        if metric.less_is_better
        else f"{metric.label} of {service.name} is below its budget",
        is_bad=is_bad,
        value=value,
        threshold=budget.limit,
        unit=metric.unit,
        samples=1,
        since=build.listed_at if is_bad else None,
        summary=f"{metric.shown(value)} of {budget}, in build "
        f"{build.revision[:9] or str(build.public_id)[:8]}.",
        service_id=build.service_id,
        path=reverse("trends:budgets", args=[service.project.slug, service.slug]),
        fingerprint=budget.metric,
        evidence={
            "metric": budget.metric,
            "group": group.words,
            "before": budget.limit,
            "after": value,
            "is_limit": True,
            "build": build.pk,
        },
    )


MOST_BUILDS = 300
"""Builds that are looked at one by one, the newest."""


def moments(wanted: Wanted, window: Window, first: datetime) -> list[datetime]:
    """Return when builds were made that have budgets, and the ends of days."""
    newest = _builds(wanted, window).filter(listed_at__gt=first).order_by("-listed_at")
    made = newest.values_list("listed_at", flat=True)[:MOST_BUILDS]
    return between([*made, *ends_of_days(wanted, window, first)], first, window.at)


def _parts(group: str) -> tuple[int, str]:
    """Return the key of the budget, and the group of builds."""
    budget, _, builds = group.partition("/")
    return int(budget.removeprefix("budget:")), builds


def _metrics(groups: Collection[str]) -> dict[int, str]:
    """Return of which metrics the budgets are, those that are there still."""
    rows = Budget.objects.filter(pk__in={_parts(group)[0] for group in groups})
    return dict(rows.values_list("pk", "metric"))


def _last(wanted: Wanted, window: Window, groups: Collection[str]) -> Mapping[str, datetime]:
    """Return until when builds had what each budget is about: a query for each metric."""
    by_metric: defaultdict[str, dict[str, str]] = defaultdict(dict)
    metrics = _metrics(groups)
    for group in groups:
        budget, builds = _parts(group)
        if budget in metrics:
            by_metric[metrics[budget]][group] = builds
    found: dict[str, datetime] = {}
    for metric, named in by_metric.items():
        last = last_values(metric)(wanted, window, named.values())
        found |= {group: last[builds] for group, builds in named.items() if builds in last}
    return found


def _deleted(groups: Collection[str]) -> Mapping[str, str]:
    left = _metrics(groups)
    return {group: "The budget was deleted." for group in groups if _parts(group)[0] not in left}


CONDITION = Condition(
    BudgetParameters,
    observe,
    moments,
    absent_is_good=False,
    quiet=Quiet(_last, of="builds with a value"),
    deleted=_deleted,
    about="The newest build of a group does not keep a budget.",
)
