"""Images that their policy refused."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

from django.db.models import DateTimeField, Max, Value
from django.db.models.functions import Least
from pydantic import Field

from alerts.conditions.contract import (
    Choices,
    Condition,
    Observation,
    Parameters,
    Quiet,
    Wanted,
    Window,
    between,
)
from policies.models import Policy, Verdict

GROUP = ("build__service_id", "build__target", "environment", "version__policy_id")
BUILT_IN = "the built-in policy"
MOST = 2000
"""Verdicts that are looked at one by one, the newest."""


def _named_policies(project: int) -> Iterable[tuple[str, str]]:
    return Policy.objects.filter(project=project).order_by("name").values_list("slug", "name")


class PolicyParameters(Parameters):
    """Verdicts of how many days, and of which policies (slugs; empty: any)."""

    policies: Annotated[list[str], Choices(_named_policies)] = Field(
        default_factory=list, title="Policies", description="None chosen: all of them."
    )
    days: int = Field(default=14, ge=1, le=90, title="Verdicts of the last days")


def observe(wanted: Wanted, window: Window) -> Iterator[Observation]:
    """Yield what each policy said last of each service in each environment."""
    said: PolicyParameters = wanted.parameters
    for verdict in window.once(("verdicts", said.days), lambda: _read(window, said.days)):
        policy = verdict.version.policy if verdict.version else None
        service = verdict.build.service_id
        if said.policies and (policy is None or policy.slug not in said.policies):
            continue
        if wanted.covers(
            service=service, environment=verdict.environment, target=verdict.build.target
        ):
            yield _observed(verdict, policy)


def _verdicts(window: Window) -> Any:
    rows = Verdict.objects.filter(project=window.project_id, build__isnull=False)
    return window.narrowed(rows, "build__service")


def _said(window: Window) -> Any:
    """Return verdicts of before a time, with when that was said last, as far as it is known.

    A verdict that was confirmed since counts as one that was said all the while.
    """
    said_at = Least("confirmed_at", Value(window.at, DateTimeField()))
    return _verdicts(window).filter(at__lte=window.at).alias(said_at=said_at)


def _read(window: Window, days: int) -> list[Any]:
    rows = _said(window).filter(confirmed_at__gt=window.at - timedelta(days=days))
    newest = rows.order_by(*GROUP, "-said_at", "-at", "-pk").distinct(*GROUP)
    return list(newest.select_related("project", "version__policy", "build__service"))


def _name(service: int, target: str, environment: str, policy: int | None) -> str:
    """Return what names a group: whom which policy judges."""
    return f"verdict:{service}/{target}/{environment}/{policy or ''}"


def _observed(verdict: Any, policy: Any) -> Observation:
    reasons = [row for row in verdict.said["reasons"] if row["outcome"] == "fail"]
    rules = ",".join(sorted({row["rule"] for row in reasons}))
    name = policy.name if policy else BUILT_IN
    version = verdict.version.number if verdict.version else 0
    build = verdict.build
    is_bad = verdict.outcome == Verdict.Outcome.FAIL
    where = f" for {verdict.environment}" if verdict.environment else ""
    return Observation(
        group=_name(
            build.service_id, build.target, verdict.environment, policy.pk if policy else None
        ),
        title=f"{build.service.name} violates {name}{where}",
        is_bad=is_bad,
        value=float(len(reasons)),
        unit="reasons",
        samples=1,
        since=verdict.at if is_bad else None,
        cause=f"policy:{policy.slug if policy else ''}:{version}:{rules}" if is_bad else "",
        headline=f"Several services violate {name} ({rules})",
        summary=" ".join(row["message"] for row in reasons[:3]),
        service_id=build.service_id,
        path=verdict.get_absolute_url(),
        fingerprint=rules[:200],
        evidence={"build": build.pk, "group": build.target, "step": rules},
    )


def moments(wanted: Wanted, window: Window, first: datetime) -> list[datetime]:
    """Return when verdicts were given and confirmed, and when they are too old."""
    days = timedelta(days=wanted.parameters.days)
    rows = _verdicts(window).filter(confirmed_at__gt=first - days, at__lte=window.at)
    times: list[datetime] = []
    for at, confirmed in rows.order_by("-at").values_list("at", "confirmed_at")[:MOST]:
        times += [at, confirmed, confirmed + days]
    return between(times, first, window.at)


def _last(wanted: Wanted, window: Window, groups: Collection[str]) -> Mapping[str, datetime]:
    """Return when anything was said last: what is not seen any more is too old."""
    newest = _said(window).order_by().values_list(*GROUP).annotate(Max("said_at"))
    return {_name(*group): at for *group, at in newest}


CONDITION = Condition(
    PolicyParameters,
    observe,
    moments,
    absent_is_good=True,
    quiet=Quiet(_last, of="verdicts", days=1),
    about="A policy refused an image.",
    narrowed_by=frozenset({"services", "labels", "environments", "targets"}),
)
