"""Builders that run more builds at once than they can bear, and builds that they emulate."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.urls import reverse

from accounts.models import Project
from analytics.emulation import Slowdown
from analytics.slots import Verdict
from buildkit.advising import interval_of_sum
from recommendations.drafts import WEEKS, WINDOW, Draft
from recommendations.models import Kind, Unit
from resources.emulation import emulation_of
from resources.models import Finding, Stay
from resources.verdicts import long_verdict

MOST = 2_000
"""Newest builds of a builder that are weighed."""


def from_builders(project: Project, now: datetime) -> Iterator[Draft]:
    """Yield builders that get less done because more than the advised number ran at once."""
    for finding in Finding.objects.filter(project=project).exclude(found={}):
        slots = finding.found["slots"]
        if Verdict(slots["verdict"]) is Verdict.SLOTS:
            draft = _slots(finding, slots, now)
            if draft.worth > 0:
                yield draft


def _slots(finding: Finding, slots: Mapping[str, Any], now: datetime) -> Draft:
    spared = _spared(finding, slots, now)
    interval = interval_of_sum(spared)
    number = slots["slots"]
    return Draft(
        kind=Kind.SLOTS,
        key=finding.builder,
        title=f"Run {number} build{'' if number == 1 else 's'} at once on {finding.builder}",
        unit=Unit.SECONDS,
        worth=sum(spared) / WEEKS,
        low=interval[0] / WEEKS if interval else None,
        high=interval[1] / WEEKS if interval else None,
        why=(
            long_verdict(finding.found),
            f"{sum(value > 0 for value in spared)} builds of four weeks ran with more.",
        ),
        how=(f"Let the queue, or CI, start {number} at a time on it; or give it more processors.",),
        page=reverse("resources:builder", args=[finding.project.slug, finding.builder]),
        builds=sum(value > 0 for value in spared),
        measure="wall_seconds",
    )


def _spared(finding: Finding, slots: Mapping[str, Any], now: datetime) -> list[float]:
    """Return the builder's seconds that each build would have taken less with fewer at once.

    n at once that each take ``slowdown`` times as long hold the builder for slowdown ÷ n of the
    time that one alone takes.
    """
    share = {load["at_once"]: load["slowdown"] / load["at_once"] for load in slots["loads"]}
    advised = share[slots["slots"]]
    stays = Stay.objects.on(finding.project_id, finding.builder).filter(
        start__gte=now - WINDOW, start__lte=now, beside__isnull=False
    )
    found = []
    for stay in stays.order_by("-start", "-pk")[:MOST]:
        at_once = round(stay.beside or 0) + 1
        alone = (stay.end - stay.start).total_seconds() / (share.get(at_once, 1) * at_once)
        more = share[at_once] - advised if at_once in share and at_once > slots["slots"] else 0.0
        found.append(alone * max(0.0, more))
    return found


def from_emulation(project: Project, now: datetime) -> Iterator[Draft]:
    """Yield platforms whose emulation costs time against native steps, run now or as usual."""
    found = emulation_of(project)
    groups: defaultdict[tuple[str, str], list[Slowdown]] = defaultdict(list)
    for item in found.slowdowns:
        groups[item.platform, item.builder].append(item)
    for items in groups.values():
        if sum(item.cost_seconds for item in items) > 0:
            yield _emulated(project, found.weeks, max(items, key=lambda item: item.pairs), items)


def _emulated(project: Project, weeks: float, most: Slowdown, items: Sequence[Slowdown]) -> Draft:
    """Return the draft of one platform; ``most`` has most of its pairs."""
    bounds = [
        sum(item.native_seconds * (ratio - 1) for item in items) / weeks
        if ratio is not None and len(items) == 1
        else None
        for ratio in (most.low, most.high)
    ]
    usual = ", where that came from the cache its usual time" if most.is_usual else ""
    return Draft(
        kind=Kind.EMULATION,
        key=f"{most.platform}\n{most.builder}",
        title=f"Build {most.platform} without emulation",
        unit=Unit.SECONDS,
        worth=sum(item.cost_seconds for item in items) / weeks,
        low=bounds[0],
        high=bounds[1],
        why=(
            f"Commands take {most.ratio:.1f} times as long as on {most.builder}, the builder's own "
            f"platform{usual}: the median of {most.pairs} pairs in {most.builds} "
            f"build{'' if most.builds == 1 else 's'}.",
        ),
        how=(
            f"Append a node of {most.platform} to the builder: `docker buildx create --append`.",
            "Or compile across: `FROM --platform=$BUILDPLATFORM`; `TARGETARCH` tells the compiler.",
        ),
        page=reverse("reports:platforms", args=[project.slug]),
        builds=most.builds,
        measure="wall_seconds",
    )
