"""What each instruction added to an image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from builds.masking import mask_secrets
from builds.models import Build, Image, Layer, Step
from builds.usual import verdict_of


@dataclass(frozen=True, slots=True)
class LayerRow:
    """What one instruction added: its last layer's digest and the compressed size of all.

    ``base`` is the ``FROM`` with which it came; empty of the image's own.
    """

    instruction: str
    digest: str
    size_bytes: int | None
    empty: bool = False
    layers: int = 1
    base: str = ""


def layers_context(build: Build, steps: Sequence[Step]) -> dict[str, Any]:
    """Return the images of a build with their layers, each against the build before."""
    earlier = _previous(build)
    past = _sizes(earlier) if earlier else {}
    return {
        "images": [
            {"image": _image_facts(image), "layers": layer_rows(rows, past)}
            for image, rows in image_layers(build, steps)
        ]
    }


def image_layers(build: Build, steps: Sequence[Step]) -> list[tuple[Image, list[LayerRow]]]:
    """Return each image with what each of its instructions added, bottom first.

    An image's own history names the instruction of a layer; where the configuration was not
    recorded, provenance does, by the layer's digest. A base image's lower layers have no step of
    their own: they belong to the ``FROM`` above them.
    """
    images = build.images.prefetch_related("layers").order_by("platform", "pk")
    views = [(image, rows_of(list(image.layers.all()), steps)) for image in images]
    return [(image, rows) for image, rows in views if rows]


def rows_of(layers: Sequence[Layer], steps: Sequence[Step]) -> list[LayerRow]:
    """Return what each instruction added, bottom first; ``steps`` are those of a build of it."""
    made_by = {step.layer_digest: step for step in steps if step.layer_digest}
    makers = [made_by.get(layer.digest) for layer in layers]
    count, base = _base(makers, steps)
    rows: list[LayerRow] = []
    for index, (layer, step) in enumerate(zip(layers, makers, strict=True), 1):
        name = mask_secrets(layer.created_by) or (step.name if step else "")
        came_with = base.name if base and index <= count else ""
        row = LayerRow(name, layer.digest, layer.size_bytes, layer.empty, base=came_with)
        if index == count and base and not layer.created_by:
            row = _merged([*rows, row], base.name)
            rows = []
        rows.append(row)
    return rows


def _base(makers: Sequence[Step | None], steps: Sequence[Step]) -> tuple[int, Step | None]:
    """Return how many layers came with the base image, and its ``FROM``; none if it is not known.

    A base that the builder did not unpack has a ``FROM`` without a layer. Then the lowest layer
    that a step made tells, if that step begins its stage: all below are the base's.
    """
    last = max((at for at, step in enumerate(makers) if step and step.kind == "from"), default=None)
    if last is not None:
        return last + 1, makers[last]
    lowest = next((at for at, step in enumerate(makers) if step), 0)
    first = makers[lowest] if makers else None
    if first is None or not lowest:
        return 0, None
    inputs = [step for step in steps if step.position in first.inputs and step.kind == "from"]
    found = [step for step in inputs if step.stage and step.stage == first.stage]
    return (lowest, found[0]) if len(found) == 1 else (0, None)


def _merged(rows: Sequence[LayerRow], name: str) -> LayerRow:
    """Give the layers of a base image to its ``FROM``; their sum is known if all of them are."""
    sizes = [row.size_bytes for row in rows]
    known = [size for size in sizes if size is not None]
    total = sum(known) if len(known) == len(sizes) else None
    return LayerRow(name, rows[-1].digest, total, layers=len(rows), base=name)


def _image_facts(image: Image) -> dict[str, Any]:
    return {
        "digest": image.digest,
        "platform": image.platform,
        "size_bytes": image.size_bytes,
        "names": image.names,
    }


def layer_rows(rows: Sequence[LayerRow], past: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return layers with their share of the known sizes and the change since ``past``.

    A layer is the same as before if the same instruction made it; one whose instruction is not
    known cannot be compared.
    """
    total = sum(row.size_bytes or 0 for row in rows)
    return [
        {
            "created_by": row.instruction,
            "digest": row.digest,
            "size_bytes": row.size_bytes,
            "layers": row.layers,
            "empty": row.empty,
            "share": row.size_bytes / total if total and row.size_bytes is not None else None,
            **_change(row.size_bytes, past.get(row.instruction)),
        }
        for row in rows
    ]


def _change(size: int | None, before: int | None) -> dict[str, Any]:
    if size is None or before is None:
        return {"delta_bytes": None, "verdict": "same"}
    return {"delta_bytes": size - before, "verdict": verdict_of(size - before, before)}


def _previous(build: Build) -> Build | None:
    """The last succeeded build of the same target, variant and platforms that made an image."""
    return (
        Build.objects.filter(
            service_id=build.service_id,
            target=build.target,
            variant=build.variant,
            platforms=build.platforms,
            status=Build.Status.SUCCEEDED,
            listed_at__lt=build.listed_at,
        )
        .exclude(image_digest="")
        .newest_first()
        .first()
    )


def _sizes(build: Build) -> dict[str, int]:
    """Sizes by instruction; an instruction that made several layers is left out."""
    sizes: dict[str, int] = {}
    repeated: set[str] = set()
    for _, rows in image_layers(build, list(Step.objects.of(build))):
        for row in rows:
            if row.instruction in sizes:
                repeated.add(row.instruction)
            if row.instruction and row.size_bytes is not None:
                sizes[row.instruction] = row.size_bytes
    return {name: size for name, size in sizes.items() if name not in repeated}
