"""A metric of builds over a limit, or worse than it was: from the distributions by day."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from alerts.conditions.contract import (
    Condition,
    Observation,
    Parameters,
    Quiet,
    UnitOf,
    Wanted,
    Window,
    either,
    ends_of_days,
    named,
)
from alerts.conditions.groups import (
    Group,
    in_branches,
    meant,
    metrics_named,
    name_of,
    rows_of,
    trend_path,
)
from alerts.conditions.last_days import last_values
from analytics.sketch import merged, quantiles
from buildinsights.templatetags.formats import counted
from trends.metrics import TRENDS, Metric

SHARES = {"median": 0.5, "p75": 0.75, "p90": 0.9, "p95": 0.95}
WORDS = {"median": "Median", "p75": "75 %", "p90": "90 %", "p95": "95 %"}


class ThresholdParameters(Parameters):
    """Of which metric what is held against what.

    With ``limit`` a value, in the metric's unit; with ``percent`` by how much it may be worse than
    the same of the ``baseline_days`` before (of ratios: points; of 0 there is no percent).
    """

    metric: Annotated[str, metrics_named(TRENDS)] = Field(title="Metric", examples=["wall_seconds"])
    statistic: Annotated[Literal["median", "p75", "p90", "p95"], named(WORDS)] = Field(
        default="median",
        title="Statistic",
        description="90 %: so many of the builds have this value or a lower one.",
    )
    days: int = Field(
        default=1, ge=1, le=90, title="Builds of the last days", description="Today is one of them."
    )
    limit: Annotated[
        float | None, UnitOf("metric", lambda name: TRENDS[name].unit if name in TRENDS else "")
    ] = Field(
        default=None,
        ge=0,
        title="Limit",
        description="As the metric is: 10 min, 500 MB, 80 %. Or leave it empty, and say percent.",
        examples=[600],
    )
    percent: float | None = Field(
        default=None,
        gt=0,
        le=10_000,
        title="Worse than before, in percent",
        description="At most so much; of ratios, percentage points. Instead of a limit.",
    )
    baseline_days: int = Field(
        default=28,
        ge=1,
        le=365,
        title="Before, in days",
        description="How many days before those above count as before.",
    )

    @model_validator(mode="after")
    def _check(self) -> "ThresholdParameters":
        if self.metric not in TRENDS:
            raise ValueError(f"There is no metric {self.metric}: {', '.join(TRENDS)}.")
        either(self, "limit", "percent")
        return self

    @property
    def means(self) -> Metric:
        """The metric."""
        return TRENDS[self.metric]


type Value = tuple[float | None, int]
"""A quantile, and of how many builds."""


def observe(wanted: Wanted, window: Window) -> Iterator[Observation]:
    """Yield each group of builds with its value."""
    said: ThresholdParameters = wanted.parameters
    found = rows_of(window, said.metric, said.days)
    past = (
        rows_of(window, said.metric, said.baseline_days, before=said.days) if said.percent else {}
    )
    for group, rows in meant(wanted, found):
        value, samples = _value(window, said, wanted, group, rows, "now")
        earlier = in_branches(past.get(group.service_id, {}).get(group, []), wanted.branch_classes)
        usual, known = _value(window, said, wanted, group, earlier, "before")
        if value is not None and (said.limit is not None or usual is not None):
            enough = min(samples, samples if said.limit is not None else known)
            yield _observed(window, wanted, group, (value, samples), usual, enough)


def _value(
    window: Window, said: ThresholdParameters, wanted: Wanted, group: Group, rows: Any, when: str
) -> Value:
    days = said.days if when == "now" else (said.days, said.baseline_days)
    key = ("quantile", when, days, said.metric, said.statistic, wanted.branch_classes, group)
    return window.once(key, lambda: _quantile(said, rows))


def _quantile(said: ThresholdParameters, rows: Any) -> Value:
    whole = merged(sketch for *_, sketch in rows if sketch)
    found = quantiles(whole, [SHARES[said.statistic]], said.means.unit)
    return (found[0] if found else None), sum(whole.values())


def _limit(said: ThresholdParameters, usual: float | None) -> float:
    """Return the limit: that which is said, or so much worse than what is usual."""
    if said.limit is not None:
        return said.limit
    worse, share = (1 if said.means.less_is_better else -1), (said.percent or 0) / 100
    base = usual or 0.0
    return base + worse * (share if said.means.unit == "ratio" else share * base)


def _has_limit(said: ThresholdParameters, usual: float | None) -> bool:
    """Tell whether there is a limit: any value is more than 0 by more than any percent of it."""
    return said.limit is not None or said.means.unit == "ratio" or bool(usual)


def _observed(
    window: Window, wanted: Wanted, group: Group, now: Value, usual: float | None, enough: int
) -> Observation:
    said: ThresholdParameters = wanted.parameters
    metric, limit, value = said.means, _limit(said, usual), now[0] or 0.0
    is_over = value > limit if metric.less_is_better else value < limit
    is_known = enough >= wanted.least_samples and _has_limit(said, usual)
    plain = Observation(
        group=group.key,
        title="",
        is_bad=is_over if is_known else None,
        value=value,
        threshold=limit,
        unit=metric.unit,
        samples=now[1],
        service_id=group.service_id,
        fingerprint=said.metric,
    )
    # Words take longer than the rest, and only what is bad is told.
    return _told(plain, said, window, group, usual) if plain.is_bad else plain


def _told(
    plain: Observation,
    said: ThresholdParameters,
    window: Window,
    group: Group,
    usual: float | None,
) -> Observation:
    metric, service = said.means, name_of(window, group.service_id)
    way = "over" if metric.less_is_better else "below"
    usual_said = "" if usual is None else f", usual is {metric.shown(usual)}"
    return replace(
        plain,
        title=f"{metric.label} of {service} {way} {metric.shown(plain.threshold)}",
        summary=f"{WORDS[said.statistic]} of {counted(plain.samples, 'build')} of "
        f"{counted(said.days, 'day')}: {metric.shown(plain.value)}{usual_said}.",
        path=trend_path(window, group, said.metric),
        evidence={
            "metric": said.metric,
            "group": group.words,
            "before": usual if usual is not None else plain.threshold,
            "after": plain.value,
            "is_limit": usual is None,
        },
    )


def _last(wanted: Wanted, window: Window, groups: Collection[str]) -> Mapping[str, datetime]:
    return last_values(wanted.parameters.metric)(wanted, window, groups)


CONDITION = Condition(
    ThresholdParameters,
    observe,
    ends_of_days,
    absent_is_good=False,
    quiet=Quiet(_last, of="builds with a value"),
    about="A metric of builds is over a limit, or worse than before.",
)
