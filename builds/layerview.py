"""What each instruction added to an image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from builds.models import Build, Image, Layer, Step
from builds.usual import verdict_of


@dataclass(frozen=True, slots=True)
class LayerRow:
    """What one instruction added: its last layer's digest and the compressed size of all."""

    instruction: str
    digest: str
    size_bytes: int | None
    empty: bool = False
    layers: int = 1


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
    made_by = {step.layer_digest: step for step in steps if step.layer_digest}
    images = build.images.prefetch_related("layers").order_by("platform", "pk")
    views = [(image, _rows(list(image.layers.all()), made_by)) for image in images]
    return [(image, rows) for image, rows in views if rows]


def _rows(layers: Sequence[Layer], made_by: Mapping[str, Step]) -> list[LayerRow]:
    rows: list[LayerRow] = []
    for layer in layers:
        step = made_by.get(layer.digest)
        name = layer.created_by or (step.name if step else "")
        row = LayerRow(name, layer.digest, layer.size_bytes, layer.empty)
        if step and step.kind == "from" and not layer.created_by:
            row = _merged([*rows, row])
            rows = []
        rows.append(row)
    return rows


def _merged(rows: Sequence[LayerRow]) -> LayerRow:
    """Give the layers of a base image to its ``FROM``, which is the last of them."""
    sizes = [row.size_bytes for row in rows]
    known = [size for size in sizes if size is not None]
    total = sum(known) if len(known) == len(sizes) else None
    return LayerRow(rows[-1].instruction, rows[-1].digest, total, layers=len(rows))


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
