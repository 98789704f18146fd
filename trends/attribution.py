"""Which steps a change comes from: the builds on both sides of it held together."""

from collections.abc import Iterator, Sequence
from typing import Any

from analytics.attribution import Part, attribute
from builds.layerview import image_layers
from builds.masking import mask_secrets
from builds.models import Build, Step

MOST_PARTS = 8
MOST_IMAGES = 10
"""Builds of each side whose layers are read."""

type Row = dict[str, Any]
"""A row of ``analytics.attribution`` with the name of the step, and whether it is known as one."""


def parts_of(
    before: Sequence[Build], after: Sequence[Build], *, unit: str, is_up: bool
) -> list[Row]:
    """Return the steps that a change comes from, those with most of it first.

    Of a time (``s``) and of cache hits (``ratio``) by their seconds a build, ``before_seconds,
    after_seconds, delta_seconds``; of a size (``bytes``) by the bytes of their layers. ``identity``
    is empty where a layer's step is not known.
    """
    if unit == "bytes":
        rows = _layers(before[-MOST_IMAGES:], after[:MOST_IMAGES])
    else:
        rows = list(_steps(before, after))
    is_more = not is_up if unit == "ratio" else is_up
    named = {(row["identity"], row["platform"]): row for row in rows}
    measure = "bytes" if unit == "bytes" else "seconds"
    found = attribute(rows, is_more=is_more)[:MOST_PARTS]
    return [_told(part, named[part.identity, part.platform], measure) for part in found]


def _steps(before: Sequence[Build], after: Sequence[Build]) -> Iterator[Row]:
    since = {build.pk for build in after}
    builds = [*before, *after]
    steps = Step.objects.filter(
        month__in={build.steps_month for build in builds},
        build__in=builds,
        state__in=["executed", "cached"],
    ).order_by()
    columns = ("build_id", "month", "identity", "platform", "busy_seconds", "state", "name")
    for step in steps.only(*columns):
        ran = step.state != "cached"
        yield {
            "build": step.build_id,
            "is_after": step.build_id in since,
            "identity": step.identity,
            "platform": step.platform,
            "amount": step.busy_seconds if ran else 0.0,
            "ran": ran,
            "name": step.name,
            "is_step": True,
        }


def _layers(before: Sequence[Build], after: Sequence[Build]) -> list[Row]:
    """Return the bytes that each instruction added to the images of builds.

    A builder does not always record which step a layer is of: then it is that of the same layer in
    another build.
    """
    rows = [*_layers_of(before, False), *_layers_of(after, True)]
    known = {row["digest"]: row for row in rows if row["is_step"]}
    names = ("identity", "name", "is_step")
    return [
        row
        if row["is_step"]
        else row | {name: known.get(row["digest"], row)[name] for name in names}
        for row in rows
    ]


def _layers_of(builds: Sequence[Build], is_after: bool) -> Iterator[Row]:
    for build in builds:
        steps = list(Step.objects.of(build))
        made_by = {step.layer_digest: step for step in steps if step.layer_digest}
        named = {step.name: step for step in steps}
        for image, rows in image_layers(build, steps):
            for row in rows:
                # A base that was not unpacked has a step, and no layer of it is known.
                step = made_by.get(row.digest) or named.get(row.instruction)
                yield {
                    "build": build.pk,
                    "is_after": is_after,
                    "identity": step.identity if step else row.instruction,
                    "platform": image.platform,
                    "amount": float(row.size_bytes or 0),
                    "ran": not row.empty,
                    "name": step.name if step else row.instruction,
                    "is_step": step is not None,
                    "digest": row.digest,
                }


def _told(part: Part, row: Row, measure: str) -> Row:
    return {
        "identity": part.identity if row["is_step"] else "",
        "platform": part.platform,
        "name": mask_secrets(row["name"]),
        f"before_{measure}": part.before,
        f"after_{measure}": part.after,
        f"delta_{measure}": part.delta,
        "share": part.share,
        "ran_before": part.ran_before,
        "ran_after": part.ran_after,
        "median_before": part.median_before,
        "median_after": part.median_after,
        "runs_more": part.runs_more,
    }
