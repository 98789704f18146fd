"""How images of one group grew, from the staircases of their instructions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from django import forms
from django.db.models import F
from django.db.models.functions import Abs, Coalesce, TruncDate
from django.utils import timezone

from builds.models import Service
from sizes.models import InstructionSize, SizedImage
from sizes.querysets import GROUP, InstructionSizeQuerySet, SizedImageQuerySet

PERIODS = (30, 90)
"""Days over which growth is told."""

DEFAULT_DAYS = 90
DAYS = ((30, "30 days"), (DEFAULT_DAYS, "90 days"), (180, "180 days"), (365, "a year"))

NOTABLE_SHARE = 0.001
"""Smaller changes, in shares of the image, are not listed: archives differ by some bytes."""

MOST_CHANGES = 50


@dataclass(frozen=True, slots=True)
class Since:
    """What growth over ``days`` counts from: the image of then, or the first one if later."""

    days: int
    at: datetime
    size_bytes: int
    is_first: bool


@dataclass(frozen=True)
class Growth:
    """Images of one service, target, variant and platform, of which ``newest`` is the last."""

    newest: SizedImage

    @property
    def _named(self) -> dict[str, Any]:
        names = ("service_id", *GROUP)
        return {name: getattr(self.newest, name) for name in names}

    @property
    def images(self) -> SizedImageQuerySet:
        """All of them."""
        return SizedImage.objects.filter(**self._named)

    @property
    def stairs(self) -> InstructionSizeQuerySet:
        """The steps of their instructions."""
        return InstructionSize.objects.filter(**self._named)

    @cached_property
    def sinces(self) -> list[Since | None]:
        """What growth counts from, one for each of ``PERIODS``; ``None`` of a single image."""
        if self.newest.number == 1:
            return [None for _ in PERIODS]
        return [self._since(days) for days in PERIODS]

    def _since(self, days: int) -> Since | None:
        moment = timezone.now() - timedelta(days=days)
        then = self.images.filter(at__lte=moment).order_by("-number").first()
        found = then or self.images.order_by("number").first()
        if found is None:
            return None
        return Since(days, moment if then else found.at, found.size_bytes, then is None)

    def days(self, days: int) -> list[tuple[date, int]]:
        """Return the size of the last image of each day with one."""
        since = timezone.now() - timedelta(days=days)
        rows = self.images.filter(at__gte=since).annotate(day=TruncDate("at"))
        last = rows.order_by("day", "-number").distinct("day")
        return list(last.values_list("day", "size_bytes"))

    def instructions(self) -> list[dict[str, Any]]:
        """Return what each instruction adds now, bottom first, and how that grew.

        ``growths`` has bytes for each of ``PERIODS``: the whole size of an instruction that was
        not there then, and ``None`` if there is no image to hold it against.
        """
        standing = self.stairs.standing().select_related("build__project")
        then = [self._sizes(since) for since in self.sinces]
        return [
            {
                "stair": stair,
                "size_bytes": stair.after_bytes,
                "share": (stair.after_bytes or 0) / self.newest.size_bytes
                if self.newest.size_bytes
                else None,
                "growths": [_less(stair, sizes) for sizes in then],
            }
            for stair in standing.order_by("position", "pk")
        ]

    def _sizes(self, since: Since | None) -> dict[str, int | None] | None:
        if since is None:
            return None
        return dict(self.stairs.at_time(since.at).values_list("instruction", "after_bytes"))

    def changes(self, days: int) -> Sequence[InstructionSize]:
        """Return the changes worth telling of that many days, the newest first.

        What the first image had from the start is no change.
        """
        delta = Abs(Coalesce(F("after_bytes"), 0) - Coalesce(F("before_bytes"), 0))
        since = timezone.now() - timedelta(days=days)
        rows = self.stairs.filter(at__gte=since, number__gt=1).annotate(moved=delta)
        told = rows.filter(moved__gte=max(1, NOTABLE_SHARE * self.newest.size_bytes))
        builds = told.select_related("build__project")
        return list(builds.order_by("-at", "-moved", "pk")[:MOST_CHANGES])

    def held(self, stair: InstructionSize) -> int:
        """Return how many images had that size."""
        if stair.builds is not None or stair.until is not None:
            return stair.builds or 0
        return self.newest.number - stair.number + 1


def _less(stair: InstructionSize, sizes: Mapping[str, int | None] | None) -> int | None:
    if sizes is None:
        return None
    return (stair.after_bytes or 0) - (sizes.get(stair.instruction) or 0)


class SizesForm(forms.Form):
    """Which images of a service, and which days; the usual is what was built last."""

    group = forms.TypedChoiceField(label="Images", coerce=int)
    days = forms.TypedChoiceField(label="Period", choices=DAYS, coerce=int)

    def __init__(self, service: Service, query: Mapping[str, Any]) -> None:
        standing = InstructionSize.objects.filter(service=service).standing()
        rows = SizedImage.objects.newest_of(standing)
        found = rows.select_related("service", "build", "image__contents")
        self.newest = list(found.order_by("-at", "-pk"))
        super().__init__({"group": "0", "days": str(DEFAULT_DAYS), **query})
        field: Any = self.fields["group"]
        field.choices = [(number, row.group) for number, row in enumerate(self.newest)]

    @property
    def chosen(self) -> Growth | None:
        """The images that are meant; ``None`` if there are none."""
        if not self.newest:
            return None
        return Growth(self.newest[self.cleaned_data["group"]])
