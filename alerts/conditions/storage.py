"""What caches take: of builders, and of a project in registries."""

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any, Literal

from django.db.models import Max, QuerySet
from django.urls import reverse
from pydantic import Field, model_validator

from accounts.models import Project
from alerts.conditions.contract import (
    DAY,
    Condition,
    Observation,
    Parameters,
    Quiet,
    Wanted,
    Window,
    between,
    either,
    end_of,
    ends_of_days,
    named,
)
from buildinsights.templatetags.formats import filesize
from cache.models import BuilderSnapshot, RegistryDay, RetentionPolicy
from farm.models import Builder

RECENT = timedelta(days=7)
"""What was not looked at for longer says nothing of now."""


PLACES = {"builders": "Builders of the whole server", "registries": "The project in registries"}


class StorageParameters(Parameters):
    """Over how many bytes, or over which share of what may be used."""

    of: Annotated[Literal["builders", "registries"], named(PLACES)] = Field(
        default="builders", title="Caches of"
    )
    limit_bytes: float | None = Field(
        default=None,
        gt=0,
        title="Limit",
        description="10 GB, 500 MB. Or leave it empty, and say a share.",
    )
    share: float | None = Field(
        default=None,
        gt=0,
        le=10,
        title="Share",
        description="Of what the cache may take. Instead of a limit.",
        examples=[0.9],
    )

    @model_validator(mode="after")
    def _check(self) -> "StorageParameters":
        either(self, "limit_bytes", "share")
        return self


def observe(wanted: Wanted, window: Window) -> Iterator[Observation]:
    """Yield each builder or registry at its last look."""
    said: StorageParameters = wanted.parameters
    read = _builders if said.of == "builders" else _registries
    for group, name, used, may, at in window.once(("storage", said.of), lambda: list(read(window))):
        limit = _limit(said, may)
        yield Observation(
            group=group,
            title=f"The cache of {name} is over {filesize(limit)}",
            is_bad=_is_over(used, limit),
            value=float(used),
            threshold=limit,
            unit="bytes",
            samples=1,
            summary=f"{filesize(used)} at the last look, {at:%Y-%m-%d %H:%M} UTC"
            + (f", of {filesize(may)} that it may take." if may else "."),
            path=_path(window),
            fingerprint="storage",
            evidence={"before": limit, "after": float(used), "is_limit": True},
        )


def _limit(said: StorageParameters, may: float | None) -> float | None:
    if said.limit_bytes is not None:
        return said.limit_bytes
    return None if may is None else (said.share or 0) * may


def _is_over(used: float, limit: float | None) -> bool:
    """Tell whether it is too much; where all may be used, no share of it is."""
    return limit is not None and used > limit


def _path(window: Window) -> str:
    slug = window.once("slug", lambda: Project.objects.get(pk=window.project_id).slug)
    return reverse("cache:storage", args=[slug])


def _builders(window: Window) -> Iterator[tuple[Any, ...]]:
    """Yield the newest look at each builder; builders are those of the whole server."""
    looks = _looks(window.at - RECENT, window.at)
    newest = looks.order_by("builder_id", "-taken_at").distinct("builder_id")
    for look in newest.select_related("builder"):
        name = look.builder.name or "the default builder"
        group = f"builder:{look.builder_id}"
        yield group, name, look.used_bytes, look.limit_bytes, look.taken_at


def _looks(first: datetime, last: datetime) -> QuerySet[BuilderSnapshot]:
    rows = BuilderSnapshot.objects.filter(taken_at__gt=first, taken_at__lte=last)
    return rows.filter(builder__is_enabled=True)


def _registries(window: Window) -> Iterator[tuple[Any, ...]]:
    """Yield the newest look at each registry with caches of the project."""
    last = window.last_day
    looks = RegistryDay.objects.filter(project=window.project_id, used_bytes__isnull=False)
    newest = looks.within(last - RECENT + DAY, last).order_by("host", "-day").distinct("host")
    policy = RetentionPolicy.objects.filter(project=window.project_id).first()
    may = (policy or RetentionPolicy()).limit_bytes
    for look in newest:
        at = datetime.combine(look.day, time(), UTC)
        yield f"registry:{look.host}", look.host, look.used_bytes, may, at


def moments(wanted: Wanted, window: Window, first: datetime) -> list[datetime]:
    """Return when looks at builders found more than the limit, or less again; ends of days."""
    said: StorageParameters = wanted.parameters
    turns = _turns(said, _looks(first - RECENT, window.at)) if said.of == "builders" else ()
    return between([*turns, *ends_of_days(wanted, window, first)], first, window.at)


def _turns(said: StorageParameters, looks: QuerySet[BuilderSnapshot]) -> Iterator[datetime]:
    """Yield when it changed for a builder: there are too many looks to look at each."""
    was_over: dict[int, bool] = {}
    rows = looks.order_by("taken_at").values_list(
        "builder_id", "taken_at", "used_bytes", "limit_bytes"
    )
    for builder, at, used, may in rows.iterator(5000):
        is_over = _is_over(used, _limit(said, may))
        if is_over != was_over.get(builder, False):
            yield at
        was_over[builder] = is_over


def _last(wanted: Wanted, window: Window, groups: Collection[str]) -> Mapping[str, datetime]:
    if wanted.parameters.of == "builders":
        looks = BuilderSnapshot.objects.filter(taken_at__lte=window.at).order_by()
        newest = looks.values_list("builder_id").annotate(Max("taken_at"))
        return {f"builder:{builder}": at for builder, at in newest}
    known = RegistryDay.objects.filter(project=window.project_id, used_bytes__isnull=False)
    days = known.filter(day__lte=window.last_day).order_by().values_list("host")
    return {f"registry:{host}": end_of(day) for host, day in days.annotate(Max("day"))}


def _deleted(groups: Collection[str]) -> Mapping[str, str]:
    """Tell of builders; a registry is nothing but what is recorded of it."""
    keys = {
        group: int(key)
        for group in groups
        for place, _, key in [group.partition(":")]
        if place == "builder"
    }
    left = set(Builder.objects.filter(pk__in=keys.values()).values_list("pk", flat=True))
    return {group: "The builder was deleted." for group, key in keys.items() if key not in left}


CONDITION = Condition(
    StorageParameters,
    observe,
    moments,
    absent_is_good=False,
    quiet=Quiet(_last, of="looks at it"),
    deleted=_deleted,
    about="Caches take more storage than they may.",
    narrowed_by=frozenset(),
)
