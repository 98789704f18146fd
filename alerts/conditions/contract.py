"""What a kind of rule is: parameters, what it observes at a time, and when that may change."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, cast

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError

from buildinsights.templatetags.formats import counted
from builds.labels import written
from builds.models import Service

if TYPE_CHECKING:
    from alerts.models import AlertRule

DAY = timedelta(days=1)
JUST = timedelta(microseconds=1)
SCOPES = ("services", "labels", "branch_classes", "environments", "targets")

type Services = frozenset[int] | None
"""Keys of those that are meant; ``None`` is all, and an empty set none."""


class Parameters(BaseModel):
    """What a rule of a kind says besides what all rules do; an unknown name is an error.

    Its fields are those of the form, too: ``title`` and ``description`` are label and help,
    the first of ``examples`` is what a new rule begins with, and ``Choices`` are what there is.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Choices:
    """The values that a parameter may have, or be a list of, each with what it is called."""

    of: Callable[[int], Iterable[tuple[str, str]]]
    """Of a project, by its key: some have their own."""


@dataclass(frozen=True, slots=True)
class UnitOf:
    """The parameter has the unit of what another one names."""

    other: str
    unit: Callable[[str], str]


def named(names: Mapping[str, str]) -> Choices:
    """Return choices that are the same everywhere."""
    return Choices(lambda _project: names.items())


def either(parameters: Parameters, *names: str) -> None:
    """Refuse parameters of which one is to be said, and no other.

    Raises:
        PydanticCustomError: with the names in its context.
    """
    if sum(getattr(parameters, name) is not None for name in names) != 1:
        fields = type(parameters).model_fields
        titles = [f"“{fields[name].title or name}”" for name in names]
        text = f"Say either {' or '.join(titles)}."
        raise PydanticCustomError("either", text, {"fields": names})


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a rule asks for, saved or not; empty sets are any, but of services."""

    kind: str
    parameters: Any
    services: Services = None
    labels: frozenset[str] = frozenset()
    """As ``key=value``; ``within`` makes services of them."""
    branch_classes: frozenset[str] = frozenset()
    environments: frozenset[str] = frozenset()
    targets: frozenset[str] = frozenset()
    least_samples: int = 1
    for_time: timedelta = timedelta(0)
    settle_time: timedelta = timedelta(0)

    @classmethod
    def of(cls, rule: "AlertRule", parameters: Parameters, services: Iterable[int]) -> "Wanted":
        """Return what a rule asks for, of valid parameters and keys of services."""
        return cls(
            kind=rule.kind,
            parameters=parameters,
            services=frozenset(services) or None,
            labels=frozenset(rule.labels),
            branch_classes=frozenset(rule.branch_classes),
            environments=frozenset(rule.environments),
            targets=frozenset(rule.targets),
            least_samples=rule.least_samples,
            for_time=timedelta(seconds=rule.for_seconds),
            settle_time=timedelta(seconds=rule.settle_seconds),
        )

    def within(self, window: "Window") -> "Wanted":
        """Return it about the services that have its labels at present."""
        services = window.meant(self.services, self.labels)
        return replace(self, services=services, labels=frozenset())

    def covers(
        self,
        *,
        service: int | None = None,
        environment: str | None = None,
        target: str | None = None,
        branch: str | None = None,
    ) -> bool:
        """Tell whether something is in its scope, as far as it is named."""
        said = (
            (self.environments, environment),
            (self.targets, target),
            (self.branch_classes, branch),
        )
        is_meant = self.services is None or service is None or service in self.services
        return is_meant and all(
            value is None or not wanted or value in wanted for wanted, value in said
        )


@dataclass(frozen=True, slots=True)
class Window:
    """One project as it was known at a time; ``memory`` keeps what is read for all rules of it.

    ``services`` narrows what is read, where only some are asked about.
    """

    project_id: int
    at: datetime
    services: Services = None
    memory: dict[Any, Any] = field(default_factory=dict)

    def once[T](self, key: Any, read: Callable[[], T]) -> T:
        """Return what ``read`` gives, which is asked once for each key."""
        if key not in self.memory:
            self.memory[key] = read()
        return cast("T", self.memory[key])

    @property
    def last_day(self) -> date:
        """The day that is the last to count: at midnight, the one that ended."""
        return (self.at.astimezone(UTC) - JUST).date()

    def narrowed(self, rows: Any, path: str = "service") -> Any:
        """Return rows of the services that are asked about."""
        named = {} if self.services is None else {f"{path}__in": sorted(self.services)}
        return rows.filter(**named, **{f"{path}__project": self.project_id})

    def meant(self, services: Services, labels: Collection[str]) -> Services:
        """Return of services those that have all of the labels at present."""
        if not labels:
            return services
        having = self.once("labels", self._labels)
        found = frozenset.intersection(*(having.get(label, frozenset()) for label in labels))
        return found if services is None else found & services

    def _labels(self) -> dict[str, frozenset[int]]:
        found: defaultdict[str, set[int]] = defaultdict(set)
        rows = Service.objects.filter(project=self.project_id).exclude(labels={}).order_by()
        for pk, labels in rows.values_list("pk", "labels"):
            for label in written(labels):
                found[label].add(pk)
        return {label: frozenset(keys) for label, keys in found.items()}

    def names(self) -> Mapping[int, tuple[str, str]]:
        """Return name and slug of the project's services by key."""
        return self.once("names", self._names)

    def _names(self) -> dict[int, tuple[str, str]]:
        rows = Service.objects.filter(project=self.project_id).order_by()
        return {pk: (name, slug) for pk, name, slug in rows.values_list("pk", "name", "slug")}


@dataclass(frozen=True, slots=True)
class Observation:
    """What a rule sees of one ``group`` of what it watches.

    ``is_bad`` is ``None`` where too little is known: then an alert neither begins nor ends. Those
    of one ``cause`` are one alert; without one, each is its own.
    """

    group: str
    title: str
    is_bad: bool | None
    value: float | None = None
    threshold: float | None = None
    unit: str = ""
    samples: int = 0
    since: datetime | None = None
    """When it began, if that is known; else it is when it was seen."""
    cause: str = ""
    headline: str = ""
    """What the alert is called if several are of this cause."""
    summary: str = ""
    service_id: int | None = None
    path: str = ""
    fingerprint: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """For ``alerts.context``: ``build`` and ``last_before`` (keys), ``step``, ``causes``, …"""

    @property
    def key(self) -> str:
        """What it has in common with others of its alert."""
        return self.cause or self.group


QUIET_DAYS = 14
"""Days without data after which nobody can tell any more whether an alert still holds."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """How it is known that nothing comes any more of what a rule looks at."""

    last: Callable[[Wanted, Window, Collection[str]], Mapping[str, datetime]]
    """Until when data came, by groups of observations, as far as that is known."""
    of: str = "builds"
    days: int = QUIET_DAYS

    def words(self, wanted: Wanted, window: Window, groups: Collection[str]) -> dict[str, str]:
        """Return a sentence for each group of which nothing has come for long."""
        last = self.last(wanted, window, groups)
        silent = {group: (window.at - last[group]).days for group in groups if group in last}
        return {
            group: f"No {self.of} for {counted(days, 'day')}."
            for group, days in silent.items()
            if days >= self.days
        }


@dataclass(frozen=True, slots=True)
class Limit:
    """How many a rule observes at most: with as many, what is absent may hold as well."""

    most: int
    ended: Callable[[Wanted, Window, Collection[str]], Iterable[Observation]]
    """Yields those of the absent groups that do not hold any more."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One kind of rule."""

    parameters: type[Parameters]
    observe: Callable[[Wanted, Window], Iterable[Observation]]
    moments: Callable[[Wanted, Window, datetime], Iterable[datetime]]
    """When, from a time until that of the window, what is observed may have become different."""
    absent_is_good: bool
    """Whether what is not observed any more holds no more; else nothing is known of it."""
    about: str
    """What it looks for, in a sentence."""
    narrowed_by: frozenset[str] = frozenset(SCOPES)
    """Which parts of a rule's scope it knows."""
    quiet: Quiet | None = None
    """``None``: what it looks at does not come by itself, such as findings."""
    deleted: Callable[[Collection[str]], Mapping[str, str]] | None = None
    """Says, in a sentence, of which groups that without which there is nothing to look at was
    deleted; ``None``: there is no such thing, but services, whose members go with them."""
    limit: Limit | None = None
    """``None``: all that there is is observed."""

    def gone(self, wanted: Wanted, window: Window, unseen: Collection[str]) -> Mapping[str, str]:
        """Return why nothing is known any more, of groups that are not observed any more."""
        quiet = self.quiet.words(wanted, window, unseen) if self.quiet and unseen else {}
        deleted = self.deleted(unseen) if self.deleted and unseen else {}
        return {**quiet, **deleted}


def end_of(day: date) -> datetime:
    """Return when a day is over."""
    return datetime.combine(day + DAY, time(), UTC)


def ends_of_days(wanted: Wanted, window: Window, first: datetime) -> list[datetime]:
    """Return the ends of days from a time on, and the time of the window."""
    midnight = first.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + DAY
    days = (window.at - midnight) // DAY + 1
    return [*(midnight + number * DAY for number in range(days)), window.at]


def between(times: Iterable[datetime | None], first: datetime, last: datetime) -> list[datetime]:
    """Return the times that lie in a range, and its ends."""
    return sorted({first, last, *(at for at in times if at is not None and first <= at <= last)})
