"""What builders' caches hold, how they grow, and what was removed and needed again."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, QuerySet, Sum
from django.http import QueryDict
from django.utils import timezone

from accounts.models import Project
from buildkit.explaining import MEANINGS, Cause
from builds.aggregates import Median
from cache.forms import PeriodForm
from cache.misses import invalidators
from cache.models import BuilderSnapshot, Eviction
from cache.registry_storage import registries
from cache.tabs import cache_tabs
from cache.trends import Days, Limit, trend
from farm.models import Builder

NO_LIMIT = "The builder has no limit for all entries."
COLLECTED = "garbage collection removes what is old."


def storage_page(project: Project, query: QueryDict) -> dict[str, Any]:
    """Return the context."""
    form = PeriodForm(project, query.dict())
    return {
        "tabs": cache_tabs(project, "cache:storage"),
        "form": form,
        "period": form.period,
        **storage(project, form),
        "needed_again": invalidators(form.chosen_services, form.period.now, Cause.GONE),
        "meaning": MEANINGS[Cause.GONE],
    }


def storage(project: Project, form: PeriodForm) -> dict[str, Any]:
    """Return ``builders`` and ``registries``."""
    since = timezone.now() - timedelta(days=form.period.days)
    return {"builders": builders(since), "registries": registries(project, form.period.now)}


def told_storage(project: Project, form: PeriodForm) -> dict[str, Any]:
    """Return the same for machines."""
    found = storage(project, form)
    limit = found["registries"]["policy"].limit_bytes
    return {
        "builders": [
            _holder(row["builder"].name, row["last"], row["trend"], "taken_at")
            | {"limit_bytes": row["last"].limit_bytes if row["last"] else None}
            for row in found["builders"]
        ],
        "registries": [
            _holder(row["host"], row["last"], row["trend"], "looked_at") | {"limit_bytes": limit}
            for row in found["registries"]["rows"]
        ],
    }


def _holder(name: str, last: Any, drawn: Mapping[str, Any], moment: str) -> dict[str, Any]:
    return {
        "name": name,
        "size_bytes": last.used_bytes if last else None,
        "shared_bytes": last.shared_bytes if last else None,
        "looked_at": getattr(last, moment) if last else None,
        "days": [{"day": day, "size_bytes": size} for day, size in drawn["days"]],
        "forecast": drawn["sentence"],
    }


def builders(since: datetime) -> list[dict[str, Any]]:
    """Return each builder's last snapshot, its trend since then, and what was removed.

    Neither its rows nor its queries grow with the number of snapshots, but for one row a day.
    """
    snapshots = BuilderSnapshot.objects.filter(taken_at__gte=since)
    newest = snapshots.order_by("builder_id", "-taken_at").distinct("builder_id")
    last = {snapshot.builder_id: snapshot for snapshot in newest}
    days, removed = _daily(snapshots), _removed(since)
    return [
        _builder(builder, last.get(builder.pk), days[builder.pk], removed[builder.pk])
        for builder in Builder.objects.filter(is_enabled=True)
    ]


def _daily(snapshots: QuerySet[BuilderSnapshot]) -> defaultdict[int, Days]:
    """Return the median of each day, by builder."""
    rows = (
        snapshots.order_by()
        .values_list("builder_id", "taken_at__date")
        .annotate(used=Median("used_bytes"))
        .order_by("builder_id", "taken_at__date")
    )
    found: defaultdict[int, Days] = defaultdict(list)
    for builder_id, day, used in rows:
        found[builder_id].append((day, used))
    return found


def _removed(since: datetime) -> defaultdict[int, dict[str, Any]]:
    """Return count and bytes of what each builder has lost, by type."""
    rows = (
        Eviction.objects.filter(gone_at__gte=since)
        .order_by()
        .values("builder_id", "type")
        .annotate(count=Count("pk"), freed=Sum("freed_bytes"))
    )
    found: defaultdict[int, dict[str, Any]] = defaultdict(dict)
    for row in rows:
        found[row["builder_id"]][row["type"]] = row
    return found


def _builder(
    builder: Builder, last: BuilderSnapshot | None, days: Days, removed: Mapping[str, Any]
) -> dict[str, Any]:
    limit = Limit(last.limit_bytes if last else None, NO_LIMIT, COLLECTED)
    return {
        "builder": builder,
        "last": last,
        "trend": trend(days, limit),
        "types": _types(last.by_type if last else {}, removed),
    }


def _types(held: Mapping[str, int], removed: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "type": kind,
            "bytes": held.get(kind, 0),
            "removed": removed[kind]["count"] if kind in removed else 0,
            "removed_bytes": removed[kind]["freed"] if kind in removed else 0,
        }
        for kind in sorted({*held, *removed})
    ]
