"""What each page about builds shows, from querysets to plain values."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from django.db.models.functions import Length

from builds.ansi import ansi_line
from builds.models import Build, BuildSource, ResourceSeries, Service, Step, StepLog
from builds.querysets import USUAL_BUILDS
from builds.waterfall import waterfall

SOURCE_CONTEXT_LINES = 6
"""Lines shown around a failing one."""


@dataclass(frozen=True, slots=True)
class Usual:
    """What builds of the same group usually are: medians of ``sample`` earlier ones."""

    sample: int
    wall_seconds: float | None
    image_bytes: float | None

    def wall_change_pct(self, build: Build) -> float | None:
        """How much longer than usual, in percent; negative is faster."""
        if not self.wall_seconds or build.wall_seconds is None:
            return None
        return 100 * (build.wall_seconds - self.wall_seconds) / self.wall_seconds


def usual_of(build: Build) -> Usual:
    """Return the usual of the builds that are comparable to ``build`` and came before it."""
    rows = list(
        Build.objects.comparable_to(build).values_list("wall_seconds", "image_bytes")[:USUAL_BUILDS]
    )
    return Usual(
        sample=len(rows),
        wall_seconds=_median([wall for wall, _ in rows]),
        image_bytes=_median([size for _, size in rows]),
    )


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def build_page(build: Build, log_step: int | None = None) -> dict[str, Any]:
    """Return the context of a build's page."""
    steps = list(Step.objects.of(build))
    resources = ResourceSeries.objects.filter(build=build).first()
    usual = usual_of(build)
    sources = list(build.sources.select_related("source_text"))
    return {
        "build": build,
        "usual": usual,
        "wall_change_pct": usual.wall_change_pct(build),
        "steps": steps,
        "states": Counter(step.state for step in steps),
        "critical_steps": [step for step in steps if step.critical],
        "waterfall": waterfall(build, steps, resources),
        "resources": resources,
        "logs": log_index(build, steps),
        "log": step_log(build, steps, _log_position(build, log_step)),
        "failure": failure_context(build, steps, sources),
        "sources": sources,
        "warnings": list(build.warnings.all()),
        "materials": list(build.materials.all()),
        "images": list(build.images.prefetch_related("layers")),
        "layer_steps": [step for step in steps if step.layer_digest],
    }


def _log_position(build: Build, asked: int | None) -> int | None:
    return asked if asked is not None else build.failure_step


def log_index(build: Build, steps: Sequence[Step]) -> list[dict[str, Any]]:
    """Return which steps printed something, without reading what."""
    names = {step.position: step for step in steps}
    logs = StepLog.objects.filter(build_id=build.pk).annotate(characters=Length("text"))
    return [
        {"step": names[position], "characters": characters}
        for position, characters in logs.order_by("position").values_list("position", "characters")
        if position in names
    ]


def step_log(build: Build, steps: Sequence[Step], position: int | None) -> dict[str, Any] | None:
    """Return one step's log as numbered lines with their offsets, or ``None``."""
    if position is None:
        return None
    log = StepLog.objects.filter(build_id=build.pk, position=position).first()
    step = next((step for step in steps if step.position == position), None)
    if log is None or step is None:
        return None
    return {"step": step, "clipped": log.clipped, "lines": numbered_lines(log)}


def numbered_lines(log: StepLog) -> list[dict[str, Any]]:
    """Return the lines of a log with number, offset in seconds (or ``None``) and HTML."""
    texts = log.text.split("\n")
    if texts and not texts[-1]:
        texts.pop()
    return [
        {"number": number, "offset_seconds": _offset(log.offsets_ms, number), "html": ansi_line(t)}
        for number, t in enumerate(texts, start=1)
    ]


def _offset(offsets: Sequence[int], number: int) -> float | None:
    if number > len(offsets) or offsets[number - 1] < 0:
        return None
    return offsets[number - 1] / 1000


def search_logs(build: Build, text: str) -> list[dict[str, Any]]:
    """Return the matching lines of every step whose log has ``text``, first 200 lines a step."""
    steps = {step.position: step for step in Step.objects.of(build)}
    logs = StepLog.objects.filter(build_id=build.pk, text__icontains=text).order_by("position")
    found = []
    for log in logs:
        wanted = text.casefold()
        raw = log.text.split("\n")
        lines = [
            line for line in numbered_lines(log) if wanted in raw[line["number"] - 1].casefold()
        ]
        if lines and log.position in steps:
            found.append({"step": steps[log.position], "lines": lines[:200], "total": len(lines)})
    return found


def failure_context(
    build: Build, steps: Sequence[Step], sources: Sequence[BuildSource]
) -> dict[str, Any] | None:
    """Return the failure with the failing lines inside their Dockerfile, or ``None``."""
    if not build.failure_class:
        return None
    step = next((s for s in steps if s.position == build.failure_step), None)
    lines = build.failure_lines or _line_of(step)
    filename = build.failure_filename or (step.dockerfile_name if step else "")
    source = next((s for s in sources if s.filename == filename), None)
    source = source or (sources[0] if len(sources) == 1 else None)
    return {
        "class": build.failure_class,
        "fingerprint": build.failure_fingerprint,
        "message": build.failure_message,
        "step": step,
        "filename": source.filename if source else filename,
        "excerpt": excerpt(source.source_text.text, lines) if source and lines else [],
    }


def _line_of(step: Step | None) -> list[list[int]]:
    if step is None or step.dockerfile_line is None:
        return []
    return [[step.dockerfile_line, step.dockerfile_line]]


def excerpt(text: str, ranges: Sequence[Sequence[int]]) -> list[dict[str, Any]]:
    """Return the lines around ``ranges`` with their numbers, the failing ones marked."""
    failing = {line for first, last in ranges for line in range(first, last + 1)}
    start = max(1, min(failing) - SOURCE_CONTEXT_LINES)
    end = max(failing) + SOURCE_CONTEXT_LINES
    return [
        {"number": number, "text": line, "failing": number in failing}
        for number, line in enumerate(text.split("\n"), start=1)
        if start <= number <= end
    ]


def service_page(service: Service) -> dict[str, Any]:
    """Return the context of a service's page: its last builds, and the steps that cost most."""
    builds = list(
        Build.objects.filter(service=service).select_related("project").newest_first()[:60]
    )
    return {
        "service": service,
        "builds": builds[:20],
        "history": list(reversed(builds)),
        "summary": summarise(builds),
        "costly_steps": costly_steps(builds[:USUAL_BUILDS]),
    }


def costly_steps(builds: Sequence[Build], most: int = 10) -> list[dict[str, Any]]:
    """Return the steps on which those builds spent most executed time, most first."""
    if not builds:
        return []
    rows = Step.objects.filter(
        build_id__in=[build.pk for build in builds],
        month__in={build.steps_month for build in builds},
        state="executed",
    ).values_list("identity", "name", "stage", "platform", "busy_seconds", "critical")
    totals: dict[str, dict[str, Any]] = {}
    for identity, name, stage, platform, seconds, critical in rows:
        entry = totals.setdefault(
            identity,
            {"name": name, "stage": stage, "platform": platform, "seconds": 0.0, "runs": 0}
            | {"critical_runs": 0},
        )
        entry["seconds"] += seconds
        entry["runs"] += 1
        entry["critical_runs"] += critical
    ranked = sorted(totals.values(), key=lambda entry: -entry["seconds"])[:most]
    return [entry for entry in ranked if entry["seconds"] > 0]


def summarise(builds: Sequence[Build]) -> dict[str, Any]:
    """Return medians and ratios over the last builds, and over as many before them.

    ``builds`` are newest first. Times count succeeded builds only; the hit ratio is Σ cached ÷
    Σ cacheable over finished ones.
    """
    recent, before = builds[:USUAL_BUILDS], builds[USUAL_BUILDS : 2 * USUAL_BUILDS]
    wall, wall_before = _wall_median(recent), _wall_median(before)
    finished = [build for build in recent if build.is_final]
    cacheable = sum(build.cacheable_steps for build in finished)
    succeeded = sum(build.status == Build.Status.SUCCEEDED for build in finished)
    return {
        "sample": len(recent),
        "latest": recent[0] if recent else None,
        "wall_seconds": wall,
        "wall_change_pct": 100 * (wall - wall_before) / wall_before
        if wall is not None and wall_before
        else None,
        "success_ratio": succeeded / len(finished) if finished else None,
        "finished": len(finished),
        "succeeded": succeeded,
        "cacheable_steps": cacheable,
        "cacheable_cached": sum(build.cacheable_cached for build in finished),
        "hit_ratio_steps": sum(build.cacheable_cached for build in finished) / cacheable
        if cacheable
        else None,
        "image_bytes": next((b.image_bytes for b in recent if b.image_bytes is not None), None),
    }


def _wall_median(builds: Sequence[Build]) -> float | None:
    return _median(
        [build.wall_seconds for build in builds if build.status == Build.Status.SUCCEEDED]
    )
