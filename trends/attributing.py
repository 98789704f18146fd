"""Which steps, and what, a change comes from: the builds on both sides of it held together."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any, Self

from django.db.models import Q

from analytics.attribution import Part, attribute
from buildkit.explaining import MEANINGS, Cause
from builds.masking import mask_secrets
from builds.models import Build, Step
from cache.models import StepReason

MOST_BUILDS = 20
"""Builds of each side that are held together, those next to the change."""

MOST_PARTS = 8
MOST_EXPLAINED = 3
"""Parts, those with most of the change, of which the causes are looked for."""

MOST_CAUSES = 2
"""Of a part, those with most runs."""

LONGEST = timedelta(days=1)
"""Builds that began earlier are not looked for beside others."""

LOCK_FILES = (
    "package-lock.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "requirements",
    "poetry.lock",
    "uv.lock",
    "go.sum",
    "Cargo.lock",
    "Gemfile.lock",
    "composer.lock",
)


def parts_of(
    before: Sequence[Build], after: Sequence[Build], *, is_slower: bool
) -> list[dict[str, Any]]:
    """Return the steps that a change of time comes from, with their names."""
    sides = {build.pk: False for build in before} | {build.pk: True for build in after}
    steps = list(_steps([*before, *after]))
    found = attribute(
        (
            {
                "build": step.build_id,
                "is_after": sides[step.build_id],
                "identity": step.identity,
                "platform": step.platform,
                "seconds": step.busy_seconds if step.state != "cached" else 0.0,
                "ran": step.state != "cached",
            }
            for step in steps
        ),
        is_slower=is_slower,
    )
    names = {(step.identity, step.platform): step.name for step in steps}
    return [_told(part, names) for part in found[:MOST_PARTS]]


def _steps(builds: Sequence[Build]) -> Any:
    return (
        Step.objects.filter(
            month__in={build.steps_month for build in builds},
            build__in=builds,
            state__in=["executed", "cached"],
        )
        .order_by()
        .only("build_id", "month", "identity", "platform", "busy_seconds", "state", "name")
    )


def _told(part: Part, names: dict[tuple[str, str], str]) -> dict[str, Any]:
    return asdict(part) | {
        "name": mask_secrets(names[part.identity, part.platform]),
        "delta_seconds": part.delta_seconds,
        "runs_more": part.runs_more,
    }


def causes_of(
    before: Sequence[Build], after: Sequence[Build], parts: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return what is likely behind a change, with its evidence, the likeliest first.

    ``weight`` is the share of the change that speaks for it: of a step's cause its part times the
    share of its runs with that cause.
    """
    found = [*_builder(before, after), *_crowd(before, after)]
    for part in parts[:MOST_EXPLAINED]:
        found += _of_step(part, after)
    return sorted(found, key=lambda item: -item["weight"])


def _builder(before: Sequence[Build], after: Sequence[Build]) -> Iterator[dict[str, Any]]:
    old, new = (
        Counter(build.builder for build in side if build.builder) for side in (before, after)
    )
    if not old or not new:
        return
    (usual, _), (now, count) = old.most_common(1)[0], new.most_common(1)[0]
    if now != usual:
        words = f"Built on {now} since then; before mostly on {usual}."
        yield {"cause": "builder", "words": words, "weight": count / len(after)}


def _crowd(before: Sequence[Build], after: Sequence[Build]) -> Iterator[dict[str, Any]]:
    """Yield that more builds ran beside these, on whatever builder they say."""
    old, new = (_beside(side) for side in (before, after))
    if new >= old + 1:
        words = f"{new:.1f} other builds ran beside each on its builder; {old:.1f} before."
        yield {"cause": "concurrency", "words": words, "weight": 1 - (old + 1) / (new + 1)}


def _beside(builds: Sequence[Build]) -> float:
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


def _of_step(part: dict[str, Any], after: Sequence[Build]) -> Iterator[dict[str, Any]]:
    """Yield why a step ran in the builds since, or that it takes longer for the same."""
    if part["ran_before"] and not part["runs_more"]:
        old, new = part["median_before"], part["median_after"]
        words = f"{part['name']} takes {new:.1f} s where it took {old:.1f} s, and runs as often."
        yield {"cause": "slower", "words": words, "weight": part["share"] * _SLOWER}
    reasons = StepReason.objects.filter(build__in=after, identity=part["identity"])
    heads = list(reasons.values_list("build_id", "first"))
    firsts = {
        (reason.build_id, reason.position): reason
        for reason in StepReason.objects.filter(
            build__in={build for build, _ in heads}, position__in={head for _, head in heads}
        )
    }
    told = [firsts[head] for head in heads if head in firsts]
    known = Counter(reason.cause for reason in told)
    for cause, count in known.most_common(MOST_CAUSES):
        example = next(reason for reason in told if reason.cause == cause)
        yield {
            "cause": _cause(example),
            "words": f"{MEANINGS[Cause(cause)].title}: {' '.join(example.evidence)[:300]}",
            "weight": part["share"] * count / len(told) * _SURE.get(cause, 1.0),
        }


_SLOWER = 0.5
"""That a step takes longer says what, and not why: what says why of half its runs counts more."""

_SURE = {Cause.FIRST.value: 0.1, Cause.UNKNOWN.value: 0.1}
"""What says little of why is no explanation of a change."""


def _cause(reason: StepReason) -> str:
    """Return the cause; changed files of a lock file are a dependency."""
    words = " ".join(reason.evidence)
    is_lock = reason.cause == Cause.FILES and any(name in words for name in LOCK_FILES)
    return "dependency" if is_lock else reason.cause
