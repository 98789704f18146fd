"""How many builds ran beside others on the same builder."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Self

from django.db.models import Q

from builds.models import Build

LONGEST = timedelta(days=1)
"""Builds that began earlier are not looked for beside others."""


def beside(builds: Sequence[Build]) -> float:
    """Return how many builds overlapped each on the same builder, on average."""
    spans = [_Span.of(build) for build in builds if build.started_at and build.completed_at]
    if not spans:
        return 0.0
    overlapping = reduce(or_, (span.overlapping() for span in spans))
    others = Build.objects.filter(
        overlapping,
        project=builds[0].project_id,
        listed_at__gte=min(span.start for span in spans) - LONGEST,
    )
    known = [_Span.of(build) for build in others.only("builder", "started_at", "completed_at")]
    return sum(span.crosses(other) for span in spans for other in known) / len(spans)


@dataclass(frozen=True, slots=True)
class _Span:
    """When one build was on which builder."""

    build: int
    builder: str
    start: datetime
    end: datetime

    @classmethod
    def of(cls, build: Build) -> Self:
        """Return that of a build of which both are known."""
        assert build.started_at  # noqa: S101  # whoever calls has looked
        assert build.completed_at  # noqa: S101
        return cls(build.pk, build.builder, build.started_at, build.completed_at)

    def overlapping(self) -> Q:
        """Return what finds the builds beside it."""
        return Q(builder=self.builder, started_at__lt=self.end, completed_at__gt=self.start)

    def crosses(self, other: Self) -> bool:
        """Tell whether another build was on the builder at the same time."""
        is_same = self.build == other.build or self.builder != other.builder
        return not is_same and other.start < self.end and other.end > self.start
