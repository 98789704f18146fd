"""Deleting what is too old, project by project, with a note of it in each project's trail."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet

from accounts.models import Project
from audit.services import SYSTEM, record_soon
from buildinsights.batches import delete_in_batches


def purge(
    expired: Callable[[timedelta], QuerySet[Any]],
    *,
    days: int,
    action: str,
    project: str = "project",
) -> int:
    """Delete what ``expired`` returns for that many days, in batches; return how many.

    With 0 days all is kept. ``project`` is the path from a row to its project.
    """
    if not days:
        return 0
    rows = expired(timedelta(days=days))
    ids = rows.order_by().values_list(project, flat=True).distinct()
    return sum(
        _purge_of(found, rows.filter(**{project: found}), action)
        for found in Project.objects.filter(pk__in=ids)
    )


def _purge_of(project: Project, rows: QuerySet[Any], action: str) -> int:
    count = delete_in_batches(rows)
    record_soon(
        actor=SYSTEM, action=action, target=project, project=project, changes={"count": count}
    )
    return count
