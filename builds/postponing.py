"""Work that rows wait for: what raises is put off, and all others go on."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import structlog
from billiard.exceptions import SoftTimeLimitExceeded
from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone

log = structlog.get_logger(__name__)

FIRST_PAUSE = timedelta(minutes=1)
"""After the first failure; each later one doubles it."""

DOUBLED = 6
"""Times at most: what always fails is tried about every hour, as a build or we may mend it."""


class Postponable(models.Model):
    """A row that waits for work; after ``failures`` in a row it waits until ``not_before``."""

    failures = models.PositiveIntegerField(default=0, db_default=0)
    not_before = models.DateTimeField(null=True)

    class Meta:
        abstract = True

    def put_off(self) -> None:
        """Let the work be tried again later; longer after each failure."""
        pause = FIRST_PAUSE * 2 ** min(self.failures, DOUBLED)
        same = type(self)._default_manager.filter(pk=self.pk)  # noqa: SLF001
        same.update(failures=F("failures") + 1, not_before=timezone.now() + pause)


def is_due() -> Q:
    """Return the condition of rows that are not put off now."""
    return Q(not_before=None) | Q(not_before__lte=timezone.now())


def attempt(row: Postponable, work: Callable[..., object], *args: Any) -> bool:
    """Do work within a transaction, all or nothing; tell whether it went well.

    An error is logged with the row. The caller then puts the row off, when it has no other row
    left to lock: workers lock them in one order.

    Raises:
        SoftTimeLimitExceeded: the worker's time is up, which may be nothing of this row.
    """
    try:
        with transaction.atomic():
            work(*args)
    except SoftTimeLimitExceeded:
        raise
    except Exception:  # whatever it is, other rows go on
        log.exception("work_failed", row=repr(row), failures=row.failures + 1)
        return False
    return True
