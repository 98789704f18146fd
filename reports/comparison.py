"""A service against its own past, then its sister services, only then published figures."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median
from typing import Any

from django.db.models import F
from django.utils import timezone

from analytics.sketch import merged, quantiles
from buildinsights.templatetags.formats import duration, filesize, points, ratio, signed_ratio
from builds.branches import BranchClass
from builds.crumbs import service_crumbs
from builds.models import Service
from builds.usual import NOTABLE_RATIO
from reports.sisters import Sister, sisters_of
from trends.models import BuildDay

NOW_DAYS, HALF_YEAR_DAYS = 28, 182
MIN_BUILDS = 4
"""Fewer builds on one side are shown, and not judged."""

COUNTS = ("builds", "succeeded", "failed", "cacheable_steps", "cached_steps")
SKETCHES = {"wall": "sketches__wall_seconds", "image": "sketches__image_bytes"}

type Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Value:
    """A quantity of a period, ``None`` if it is not known; ``sample`` is what it was told from.

    ``builds`` is how many builds that is, which may count something else.
    """

    value: float | None
    sample: int
    builds: int


@dataclass(frozen=True, slots=True)
class Published:
    """A figure that others have published: what is good is at most, or at least, ``limit``."""

    limit: float
    words: str
    source: str


@dataclass(frozen=True, slots=True)
class Quantity:
    """What is compared; ``noun`` is what its sample counts."""

    name: str
    label: str
    noun: str
    read: Callable[[Rows], Value]
    shown: Callable[[float | None], Any]
    less_is_better: bool = True
    is_ratio: bool = False
    published: Published | None = None

    def change(self, now: float, before: float) -> float | None:
        """Return the relative change; of ratios the difference."""
        if self.is_ratio:
            return now - before
        return now / before - 1 if before else None

    def verdict(self, change: float) -> str:
        """Return ``better``, ``worse`` or ``same``."""
        if abs(change) <= NOTABLE_RATIO:
            return "same"
        return "better" if (change < 0) is self.less_is_better else "worse"


def _share(part: str, of: Sequence[str], only: str = "") -> Callable[[Rows], Value]:
    """Read a ratio of counts; ``only`` narrows rows to a class of branches."""

    def read(rows: Rows) -> Value:
        meant = [row for row in rows if not only or row["branch_class"] == only]
        whole = sum(row[name] for row in meant for name in of)
        builds = sum(row["builds"] for row in meant if any(row[name] for name in of))
        value = sum(row[part] for row in meant) / whole if whole else None
        return Value(value, whole, min(builds, whole))  # some of these may have ended otherwise

    return read


def _median(sketch: str, unit: str) -> Callable[[Rows], Value]:
    def read(rows: Rows) -> Value:
        whole = merged(row[sketch] or {} for row in rows)
        found = quantiles(whole, (0.5,), unit)
        builds = sum(whole.values())
        return Value(found[0] if found else None, builds, builds)

    return read


CIRCLECI = "CircleCI, State of Software Delivery, 2020 to 2023"
ENDED = ("succeeded", "failed")
QUANTITIES = (
    Quantity(
        "wall_seconds",
        "Wall time, median",
        "builds",
        _median("wall", "s"),
        duration,
        published=Published(600.0, "≤ 10 min, of a whole workflow", CIRCLECI),
    ),
    Quantity(
        "default_success_ratio",
        "Succeeded on the default branch",
        "builds",
        _share("succeeded", ENDED, BranchClass.DEFAULT),
        ratio,
        less_is_better=False,
        is_ratio=True,
        published=Published(0.9, "> 90 % on the default branch", CIRCLECI),
    ),
    Quantity(
        "success_ratio",
        "Succeeded on all branches",
        "builds",
        _share("succeeded", ENDED),
        ratio,
        less_is_better=False,
        is_ratio=True,
    ),
    Quantity(
        "hit_ratio",
        "Cache hits by steps",
        "steps",
        _share("cached_steps", ("cacheable_steps",)),
        ratio,
        less_is_better=False,
        is_ratio=True,
    ),
    Quantity("image_bytes", "Image size, median", "builds", _median("image", "bytes"), filesize),
)


def comparison_page(service: Service) -> dict[str, Any]:
    """Return the context."""
    sisters = sisters_of(service)
    rows, of_sisters = compare(service, sisters)
    return {
        "service": service,
        "crumbs": service_crumbs(service),
        "rows": rows,
        "sisters": of_sisters,
        "min_builds": MIN_BUILDS,
    }


def compare(
    service: Service, sisters: Sequence[Sister], last: date | None = None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return a row for each quantity, and one for each sister with its own values.

    The four weeks that are held against others end with the day ``last``, which is usually today.
    """
    today = last or timezone.now().date()
    own = days_of([service.pk], today, NOW_DAYS + HALF_YEAR_DAYS)[service.pk]
    theirs = days_of([sister.service.pk for sister in sisters], today, NOW_DAYS)
    now = [row for row in own if row["age"] < NOW_DAYS]
    past = {
        "month": [row for row in own if NOW_DAYS <= row["age"] < 2 * NOW_DAYS],
        "half_year": [row for row in own if row["age"] >= NOW_DAYS],
    }
    of_sisters: list[dict[str, Any]] = [
        {
            "service": sister.service,
            "rule": sister.rule,
            "values": [value_of(quantity, theirs[sister.service.pk]) for quantity in QUANTITIES],
        }
        for sister in sisters
    ]
    beside = [[sister["values"][n] for sister in of_sisters] for n in range(len(QUANTITIES))]
    rows = [
        _row(quantity, now, past, others)
        for quantity, others in zip(QUANTITIES, beside, strict=True)
    ]
    return rows, of_sisters


def days_of(
    services: Sequence[int], today: date, days: int, **group: str
) -> defaultdict[int, list[Any]]:
    """Return rows of ``BuildDay`` by service; ``age`` is in days before ``today``.

    ``group`` narrows them by columns of ``BuildDay``.
    """
    found: defaultdict[int, list[Any]] = defaultdict(list)
    within = BuildDay.objects.filter(service__in=services, **group).within(
        today - timedelta(days=days - 1), today
    )
    sketches = {name: F(path) for name, path in SKETCHES.items()}
    for row in within.values("service_id", "day", "branch_class", *COUNTS, **sketches):
        found[row["service_id"]].append(row | {"age": (today - row["day"]).days})
    return found


def value_of(quantity: Quantity, rows: Rows) -> dict[str, Any]:
    """Return a quantity of a period: ``value``, ``shown``, ``sample`` and ``builds``."""
    read = quantity.read(rows)
    return {
        "value": read.value,
        "shown": quantity.shown(read.value),
        "sample": read.sample,
        "builds": read.builds,
    }


def _row(
    quantity: Quantity, now: Rows, past: Mapping[str, Rows], others: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    told = value_of(quantity, now)
    return {
        "name": quantity.name,
        "label": quantity.label,
        "noun": quantity.noun,
        "more_is_better": not quantity.less_is_better,
        "now": told,
        **{name: against(quantity, told, value_of(quantity, rows)) for name, rows in past.items()},
        "sisters": against(quantity, told, _median_of(quantity, others)),
        "published": _published(quantity, told),
    }


def _median_of(quantity: Quantity, others: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the median of the sisters' own values, each with one voice."""
    known = [other for other in others if other["value"] is not None]
    value = median(other["value"] for other in known) if known else None
    return {
        "value": value,
        "shown": quantity.shown(value),
        "sample": sum(other["sample"] for other in known),
        "builds": sum(other["builds"] for other in known),
        "services": len(known),
    }


def against(quantity: Quantity, now: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return the other side with how this one compares; too few builds are not judged."""
    change, verdict = None, ""
    if now["value"] is not None and other["value"] is not None:
        change = quantity.change(now["value"], other["value"])
    if change is not None and min(now["builds"], other["builds"]) >= MIN_BUILDS:
        verdict = quantity.verdict(change)
    said = points(change) if quantity.is_ratio else signed_ratio(change)
    return {**other, "change": change, "change_shown": said, "verdict": verdict}


def _published(quantity: Quantity, now: Mapping[str, Any]) -> dict[str, Any] | None:
    figure, value = quantity.published, now["value"]
    if figure is None:
        return None
    verdict = ""
    if value is not None and now["builds"] >= MIN_BUILDS:
        is_kept = value <= figure.limit if quantity.less_is_better else value > figure.limit
        verdict = "better" if is_kept else "worse"
    return {"words": figure.words, "source": figure.source, "verdict": verdict}
