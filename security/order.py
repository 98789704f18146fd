"""In which order looks at one image were made, by clocks that may be wrong."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, QuerySet

from security.models import Lineage, Scan

A_LITTLE = timedelta(minutes=1)
"""By which clocks differ that are right, and by which the delay of one that is behind varies."""

APART = timedelta(minutes=10)
"""Between looks whose delays are compared: what was kept is sent all at once."""


def overtaken(scan: Scan, lineage: Lineage) -> frozenset[str]:
    """Return the kinds of which a newer scan of the same image was there before this one.

    Its time is moved up if it is the clock that is wrong.
    """
    scans = Scan.objects.filter(lineage=lineage).annotate(delay=F("received_at") - F("scanned_at"))
    newer = scans.filter(kinds__overlap=scan.kinds)
    newer = newer.filter(image=scan.image_id, is_late=False, scanned_at__gt=scan.scanned_at)
    rows = list(newer.order_by("scanned_at").values_list("scanned_at", "kinds"))
    times = [at for at, _ in rows]
    scan.scanned_at, is_late = in_order(scan.scanned_at, scan.received_at, times, scans)
    if not is_late:
        return frozenset()
    return frozenset(scan.kinds) & {kind for _, kinds in rows for kind in kinds}


def in_order(
    at: datetime, received_at: datetime, newer: Collection[datetime], looks: QuerySet[Any]
) -> tuple[datetime, bool]:
    """Return when an image was looked at, and whether that is too late to change anything.

    It is if a newer look at the image came before, by more than clocks differ: it had waited
    somewhere. But if the clock is behind by as much as it was for a late one of ``looks`` some
    time ago, nothing had waited: it is as new as it came. ``looks`` have their ``delay``.
    """
    if not newer:
        return at, False
    newest = max(newer)
    if newest - at <= A_LITTLE:
        return newest, False
    if _is_behind(at, received_at, looks):
        return received_at, False
    return at, True


def _is_behind(at: datetime, received_at: datetime, looks: QuerySet[Any]) -> bool:
    delay = received_at - at
    late = looks.filter(is_late=True, received_at__lte=received_at - APART)
    return late.filter(delay__range=(delay - A_LITTLE, delay + A_LITTLE)).exists()
