"""What each instruction added to an image."""

from collections.abc import Mapping, Sequence
from typing import Any

from builds.models import Build, Image, Layer, Step


def layers_context(build: Build, steps: Sequence[Step]) -> dict[str, Any]:
    """Return images with their layers; where no manifest is known, provenance's layers."""
    images = [
        image
        for image in build.images.prefetch_related("layers").order_by("platform", "pk")
        if image.layers.all()
    ]
    past = _previous_sizes(build)
    views = [_image_view(image, list(image.layers.all()), past) for image in images]
    return {"images": views or _from_provenance(build, steps)}


def _image_view(image: Image, layers: Sequence[Layer], past: Mapping[str, int]) -> dict[str, Any]:
    rows = [(layer.created_by, layer.digest, layer.size_bytes, layer.empty) for layer in layers]
    return {
        "image": {
            "digest": image.digest,
            "platform": image.platform,
            "size_bytes": image.size_bytes,
            "names": image.names,
        },
        "layers": layer_rows(rows, past),
    }


def _from_provenance(build: Build, steps: Sequence[Step]) -> list[dict[str, Any]]:
    rows = [(s.name, s.layer_digest, s.layer_bytes, False) for s in steps if s.layer_digest]
    if not rows:
        return []
    image = {"digest": build.image_digest, "platform": ", ".join(build.platforms), "names": []}
    return [{"image": image | {"size_bytes": build.image_bytes}, "layers": layer_rows(rows, {})}]


def layer_rows(
    rows: Sequence[tuple[str, str, int | None, bool]], past: Mapping[str, int]
) -> list[dict[str, Any]]:
    """Return layers with their share of the known sizes and the change since ``past``.

    A layer is the same as before if the same instruction made it.
    """
    total = sum(size or 0 for _, _, size, _ in rows)
    return [
        {
            "created_by": created_by,
            "digest": digest,
            "size_bytes": size,
            "empty": empty,
            "share": size / total if total and size is not None else None,
            **_change(size, past.get(created_by)),
        }
        for created_by, digest, size, empty in rows
    ]


def _change(size: int | None, before: int | None) -> dict[str, Any]:
    if size is None or before is None:
        return {"delta_bytes": None, "verdict": "same"}
    delta = size - before
    verdict = "same" if delta == 0 else "worse" if delta > 0 else "better"
    return {"delta_bytes": delta, "verdict": verdict}


def _previous_sizes(build: Build) -> dict[str, int]:
    """Sizes by instruction in the last succeeded build of the same target and platforms."""
    earlier = (
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
    if earlier is None:
        return {}
    layers = Layer.objects.filter(image__builds=earlier, size_bytes__isnull=False)
    return {
        created_by: size or 0 for created_by, size in layers.values_list("created_by", "size_bytes")
    }
