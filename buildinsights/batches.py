"""Large deletes that lock little at a time."""

from typing import Any

from django.db import models, transaction

BATCH = 500


def delete_in_batches(rows: models.QuerySet[Any], size: int = BATCH) -> int:
    """Delete ``rows`` in transactions of ``size``; return how many there were."""
    deleted = 0
    while keys := list(rows.order_by("pk").values_list("pk", flat=True)[:size]):
        with transaction.atomic():
            rows.model._default_manager.filter(pk__in=keys).delete()  # noqa: SLF001
        deleted += len(keys)
    return deleted
