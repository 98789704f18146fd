"""Large deletes that lock little at a time."""

from typing import Any

from django.db import models, transaction

BATCH = 500


def delete_in_batches(rows: models.QuerySet[Any], size: int = BATCH) -> int:
    """Delete ``rows`` in transactions of ``size``; return how many.

    What is no longer one of them when its turn comes stays.
    """
    deleted = 0
    while keys := list(rows.order_by("pk").values_list("pk", flat=True)[:size]):
        with transaction.atomic():
            _, by_model = rows.filter(pk__in=keys).order_by().delete()
        deleted += by_model.get(rows.model._meta.label, 0)  # noqa: SLF001
    return deleted
