"""Budgets of services, and whether a build keeps them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q

from audit.services import ActorLike, record
from buildinsights.quantities import UNITS
from builds.models import Build, Service
from trends.metrics import METRICS
from trends.models import Budget


@dataclass(frozen=True, slots=True)
class Judged:
    """One budget held against a build: ``state`` is kept, exceeded or unknown."""

    budget: Budget
    value: float | None
    state: str


def judge(build: Build) -> list[Judged]:
    """Hold a build against the budgets of its service; an unknown value keeps and breaks none."""
    meant = Q(target__in=["", build.target], variant__in=["", build.variant])
    budgets = Budget.objects.filter(meant, service=build.service_id)
    return list(_judged(build, budgets.order_by("metric", "pk")))


def _judged(build: Build, budgets: Any) -> Iterator[Judged]:
    for budget in budgets:
        value = getattr(build, budget.metric)
        if value is None:
            yield Judged(budget, None, "unknown")
        else:
            yield Judged(budget, float(value), "kept" if budget.is_kept(value) else "exceeded")


def verdict_of(judged: list[Judged]) -> str:
    """Return ``exceeded`` if any is, ``unknown`` if all are, else ``kept``; ``none`` of none."""
    states = {item.state for item in judged}
    if not states:
        return "none"
    if "exceeded" in states:
        return "exceeded"
    return "kept" if "kept" in states else "unknown"


class BudgetForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """A budget as people write it: ``90 s``, ``150 MB`` or ``80 %``, as its metric is measured."""

    limit = forms.CharField(max_length=60, help_text="90 s, 150 MB, 80 %.")

    class Meta:
        model = Budget
        fields = ("metric", "limit", "target", "variant")

    def __init__(self, service: Service, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.service = service

    def clean(self) -> dict[str, Any]:
        """Read the limit in the metric's unit."""
        said = super().clean() or {}
        if "metric" in said and "limit" in said:
            said["limit"] = _limit(said["limit"], METRICS[said["metric"]].unit)
        return said


def _limit(text: str, unit: str) -> float:
    try:
        limit: float = UNITS[unit]().clean(text)
    except ValidationError as error:
        raise ValidationError({"limit": error.messages}) from error
    if not limit:
        raise ValidationError({"limit": "It has to be more than 0."})
    return limit


@transaction.atomic
def save_budget(*, form: BudgetForm, actor: ActorLike) -> Budget:
    """Keep a budget; one of the same metric, target and variant is replaced."""
    made = form.instance
    budget, _ = Budget.objects.update_or_create(
        service=made.service,
        metric=made.metric,
        target=made.target,
        variant=made.variant,
        defaults={"limit": form.cleaned_data["limit"]},
    )
    _note(budget, actor, "budget.changed")
    return budget


@transaction.atomic
def delete_budget(*, budget: Budget, actor: ActorLike) -> None:
    """Forget a budget."""
    _note(budget, actor, "budget.deleted")
    budget.delete()


def _note(budget: Budget, actor: ActorLike, action: str) -> None:
    project = budget.service.project
    changes = {"metric": budget.metric, "limit": budget.limit, "target": budget.target}
    record(actor=actor, action=action, target=budget, project=project, changes=changes)
