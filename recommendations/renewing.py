"""Recommendations are made again from what was measured: told, closed and told again."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts.models import Project
from builds.models import Build
from cache.models import Advised
from recommendations.checking import check, closing_of
from recommendations.decisions import UNDECIDED
from recommendations.drafts import WINDOW, Draft
from recommendations.models import Recommendation, Renewed
from recommendations.sources import SOURCES

EVERY = timedelta(minutes=2)
DAILY = timedelta(days=1)
KEPT = timedelta(days=365)
"""How long what was closed is remembered."""

UNCHECKED = {
    "closed_at": None,
    "builds_before": 0,
    "builds_since": 0,
    "mean_before": None,
    "mean_since": None,
    "difference_low": None,
    "difference_high": None,
}


def due() -> list[int]:
    """Return the projects with builds or advice since, or whose last time is a day ago."""
    now, last = timezone.now(), OuterRef("renewed__made_at")
    built = Build.objects.filter(project=OuterRef("pk"), created_at__gt=last)
    advised = Advised.objects.filter(service__project=OuterRef("pk"), made_at__gt=last)
    waiting = Q(Exists(built) | Exists(advised), renewed__made_at__lt=now - EVERY)
    old = Q(renewed=None) | Q(renewed__made_at__lt=now - DAILY)
    return list(Project.objects.filter(waiting | old).order_by("pk").values_list("pk", flat=True))


def renew(project: Project) -> None:
    """Make a project's recommendations again; what is told no more is closed and checked."""
    now = timezone.now()
    # Whoever fails on it is not followed by others before its turn comes again.
    Renewed.objects.update_or_create(project=project, defaults={"made_at": now})
    drafts = {draft.digest: draft for source in SOURCES for draft in source(project, now)}
    with transaction.atomic():
        Renewed.objects.select_for_update().get(project=project)
        # Locked, so that nothing that somebody decides meanwhile is written over.
        rows = Recommendation.objects.filter(project=project).select_for_update()
        known = {row.digest: row for row in rows}
        for digest, draft in drafts.items():
            _tell(project, draft, known.get(digest), now)
        for digest, row in known.items():
            if digest not in drafts:
                _close(row, now)
        Recommendation.objects.filter(project=project, closed_at__lt=now - KEPT).delete()


def _tell(project: Project, draft: Draft, row: Recommendation | None, now: datetime) -> None:
    """Keep what is told; what was closed and is told again is open again."""
    values: dict[str, Any] = {name: getattr(draft, name) for name in asdict(draft)}
    values = {name: _listed(value) for name, value in values.items()}
    if row is None:
        Recommendation.objects.create(project=project, digest=draft.digest, opened_at=now, **values)
        return
    if row.closed_at is not None:
        values |= UNDECIDED | UNCHECKED | {"opened_at": now, "reopened": row.reopened + 1}
    for name, value in values.items():
        setattr(row, name, value)
    row.save()


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _close(row: Recommendation, now: datetime) -> None:
    """Close what is told no more, and hold what comes after against what was before."""
    if row.closed_at is None:
        row.closed_at = closing_of(row) or now
    elif row.closed_at < now - WINDOW:
        return  # all builds that it is held against are there
    check(row)
    row.save()
