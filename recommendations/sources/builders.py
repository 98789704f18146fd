"""Builders that run more builds at once than they can bear, and builds that they emulate."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse

from accounts.models import Project
from analytics.slots import Verdict
from buildkit.advising import interval_of_sum
from recommendations.drafts import Draft
from recommendations.models import Kind, Unit
from resources.emulation import Emulation, emulation_of
from resources.models import Finding, Stay
from resources.verdicts import long_verdict

WINDOW = timedelta(days=28)
WEEKS = WINDOW / timedelta(days=7)
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
    """Yield the platforms whose emulation costs time."""
    found = emulation_of(project)
    for item in found.slowdowns:
        if not item.is_usual and item.cost_seconds > 0:
            yield _emulated(project, found, item)


def _emulated(project: Project, found: Emulation, item: Any) -> Draft:
    worth = [
        None if ratio is None else item.native_seconds * (ratio - 1) / found.weeks
        for ratio in (item.low, item.high)
    ]
    return Draft(
        kind=Kind.EMULATION,
        key=f"{item.platform}\n{item.builder}",
        title=f"Build {item.platform} without emulation",
        unit=Unit.SECONDS,
        worth=item.cost_seconds / found.weeks,
        low=worth[0],
        high=worth[1],
        why=(
            f"Commands take {item.ratio:.1f} times as long as on {item.builder}, the builder's own "
            f"platform: the median of {item.pairs} pairs in {item.builds} builds.",
        ),
        how=(
            f"Append a node of {item.platform} to the builder: docker buildx create --append.",
            "Or compile across: FROM --platform=$BUILDPLATFORM, and TARGETARCH for the compiler.",
        ),
        page=reverse("reports:platforms", args=[project.slug]),
        builds=item.builds,
        measure="wall_seconds",
    )
