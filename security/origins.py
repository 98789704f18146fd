"""Where findings came from: the build, the layer and its instruction, a base image or ours."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from builds.layerview import LayerRow, rows_of
from builds.models import Layer
from security.matching import Match

LONGEST_INSTRUCTION = 1000
LONGEST_BASE = 300
FROM = re.compile(r"\bFROM (?:--\S+ )*(\S+)")


@dataclass(frozen=True, slots=True)
class Origin:
    """A layer's digest, the instruction that brought it, and the first build with it."""

    layer_digest: str = ""
    instruction: str = ""
    is_from_base: bool | None = None
    base: str = ""
    build_id: int | None = None


def origins_of(found: Match | None, layers: Collection[str]) -> dict[str, Origin]:
    """Return where layers came from, by the digest that a report gives them.

    A layer that is not the image's, or not known, has its scanned build alone.
    """
    if found is None:
        return dict.fromkeys(layers, Origin())
    own = list(Layer.objects.filter(image=found.image).order_by("position"))
    digest_of = {layer.diff_id: layer.digest for layer in own if layer.diff_id}
    digest_of |= {layer.digest: layer.digest for layer in own if layer.digest}
    rows = {row.digest: row for row in _rows(found, own)}
    first = _first_builds(found, set(digest_of.values()))
    found_at = found.build.pk
    return {layer: _origin(digest_of.get(layer, ""), rows, first, found_at) for layer in layers}


def _origin(digest: str, rows: dict[str, LayerRow], first: dict[str, int], found_at: int) -> Origin:
    row = rows.get(digest)
    if row is None:
        return Origin(digest, build_id=first.get(digest, found_at))
    instruction = (row.base or row.instruction)[:LONGEST_INSTRUCTION]
    is_from_base = bool(row.base) if instruction else None
    return Origin(
        digest, instruction, is_from_base, _image_named(row.base), first.get(digest, found_at)
    )


def _image_named(instruction: str) -> str:
    """Return the image of a ``FROM`` without its digest: the same from one pull to the next."""
    found = FROM.search(instruction)
    return found[1].partition("@")[0][:LONGEST_BASE] if found else ""


def _rows(found: Match, layers: list[Layer]) -> list[LayerRow]:
    """Return a row a layer: those of a base that were merged into its ``FROM`` each have it."""
    rows = rows_of(layers, list(found.build.steps.all()))
    if not rows or rows[0].layers == 1:
        return rows
    merged = rows[0]
    base = [
        LayerRow(merged.instruction, layer.digest, layer.size_bytes, base=merged.base)
        for layer in layers[: merged.layers]
    ]
    return [*base, *rows[1:]]


def _first_builds(found: Match, digests: Collection[str]) -> dict[str, int]:
    """Return the first build of the service whose image has a layer, by the layer's digest."""
    layers = Layer.objects.filter(
        digest__in=digests, image__build_links__build__service=found.build.service_id
    )
    rows = layers.order_by("digest", "image__build_links__build__listed_at")
    firsts = rows.distinct("digest").values_list("digest", "image__build_links__build")
    return dict(firsts)
