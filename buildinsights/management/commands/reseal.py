"""``manage.py reseal``: seal all that is sealed in the database with today's ``SECRET_KEY``."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.db.models import QuerySet

from buildinsights.sealing import UnreadableError, decrypt, encrypt
from channels import sealing as channels
from channels.models import Channel
from farm import pushes
from farm.models import PushHook


@dataclass(frozen=True, slots=True)
class Sort:
    """Rows of which each has one sealed column, whom it is sealed for, and how one is called."""

    rows: QuerySet[Any]
    owner_of: Callable[[Any], bytes]
    name: str
    remedy: str


SORTS = (
    Sort(
        Channel.objects.exclude(sealed=b""),
        lambda row: channels.owner_of(row.public_id),
        "the secrets of channel {row.name} in {row.project.slug}",
        "enter them again",
    ),
    Sort(
        PushHook.objects.all(),
        pushes.owner_of,
        "the push webhook's secret in {row.project.slug}",
        "replace it on the Triggers page",
    ),
)


class Command(BaseCommand):
    """Do what lets former keys be taken out of ``SECRET_KEY_FALLBACKS``."""

    help = "Seal all secrets in the database with SECRET_KEY, so that they need no fallback."

    def handle(self, **options: Any) -> None:
        """Seal each row again, and fail naming those that no key opens."""
        if lost := [line for sort in SORTS for line in _reseal_all(sort)]:
            raise CommandError("\n".join(["No key opens", *lost]))
        self.stdout.write("All secrets in the database are sealed with SECRET_KEY.")


def _reseal_all(sort: Sort) -> Iterator[str]:
    """Seal rows again, and give a line for each that cannot be."""
    for pk in list(sort.rows.order_by("pk").values_list("pk", flat=True)):
        if lost := _reseal(sort, pk):
            yield f"- {sort.name.format(row=lost)}: {sort.remedy}"


@transaction.atomic
def _reseal(sort: Sort, pk: int) -> Any:
    """Seal a row again; return it if no key opens it."""
    row = sort.rows.select_for_update(no_key=True).filter(pk=pk).first()
    if row is None:  # deleted meanwhile
        return None
    owner = sort.owner_of(row)
    try:
        row.sealed = encrypt(owner, decrypt(owner, bytes(row.sealed)))
    except UnreadableError:
        return row
    row.save(update_fields=["sealed"])
    return None
