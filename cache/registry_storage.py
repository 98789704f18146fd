"""What a project's caches take in registries, over time."""

from collections import defaultdict
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from accounts.models import Project
from cache.models import ReferenceSize, RegistryDay
from cache.operations.policy import policy_of
from cache.periods import Days as Span
from cache.trends import Days, Limit, trend

RECENT = timedelta(days=7)
"""What was not found for longer is not there any more."""

NO_LIMIT = "There is no limit."
ENFORCED = "the least recently used caches go at night."
NOT_ENFORCED = "nothing is removed, as retention is not enforced."


def registries(project: Project, span: Span) -> dict[str, Any]:
    """Return ``may_ask``, whether any registry may be asked, and ``rows``: one a registry."""
    looks = RegistryDay.objects.filter(project=project).within(*span)
    days: defaultdict[str, Days] = defaultdict(list)
    last: dict[str, RegistryDay] = {}
    for row in looks.order_by("day"):
        if row.used_bytes is not None:
            days[row.host].append((row.day, float(row.used_bytes)))
        last[row.host] = row
    policy = policy_of(project)
    limit = Limit(policy.limit_bytes, NO_LIMIT, ENFORCED if policy.is_enforced else NOT_ENFORCED)
    rows = [
        {"host": host, "last": last[host], "trend": trend(days[host], limit)}
        for host in sorted(last)
    ]
    return {"may_ask": bool(settings.CACHE_REGISTRIES), "rows": rows, "policy": policy}


def sizes_of(project: Project) -> dict[str, ReferenceSize]:
    """Return what was found of each reference at its last look of these days, by its name."""
    since = timezone.now().date() - RECENT
    found = ReferenceSize.objects.filter(project=project, day__gte=since)
    newest = found.order_by("reference", "-day").distinct("reference")
    return {row.reference: row for row in newest}
