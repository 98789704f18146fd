"""A registry cache without some of its layers: what stands on them runs again, the rest hits."""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from buildkit.caching.installing import Bound
from buildkit.caching.packages import Package, read_layer
from buildkit.caching.references import CacheReference, read_config
from buildkit.caching.versions import NoVersionError, is_version
from buildkit.errors import ParseError
from buildkit.images import INDEX_MEDIA_TYPES
from buildkit.registry import Registry, RegistryError, WrongContentError
from buildkit.values import Json, as_dicts, as_int, as_list, as_text


@dataclass(frozen=True, slots=True)
class Found:
    """Layers that install a package below a version, why, and what could not be looked at."""

    layers: dict[str, tuple[Package, ...]]
    unread: tuple[str, ...]


def layers_installing(registry: Registry, cache: CacheReference, bound: Bound) -> Found:
    """Read each layer of a cache, once, for packages below a version.

    A layer that only repeats what its parent has, as the database of dpkg does, is left out.

    Raises:
        NoVersionError: ``bound`` has no version.
    """
    found: dict[str, tuple[Package, ...]] = {}
    unread: list[str] = []
    for layer in dict.fromkeys(cache.layers):
        try:
            packages = _meant(registry, cache, layer, bound)
        except (ParseError, RegistryError) as error:
            unread.append(str(error))
            continue
        unread += [
            f"{layer}: {item.path}: {NoVersionError(item.ecosystem, item.version)}"
            for item in packages
            if not is_version(item.ecosystem, item.version)
        ]
        if old := tuple(item for item in packages if bound.holds(*item.named)):
            found[layer] = old
    return Found(_without_repeats(found, parents(read_config(registry, cache))), tuple(unread))


def _meant(registry: Registry, cache: CacheReference, layer: str, bound: Bound) -> list[Package]:
    chunks = registry.blob(cache.reference, layer)
    return [item for item in read_layer(chunks, layer) if bound.concerns(item.ecosystem, item.name)]


def parents(config: Json) -> dict[str, str]:
    """Return the layer that each layer of a cache stands on."""
    layers = as_dicts(config.get("layers"))
    names = [as_text(layer.get("blob")) for layer in layers]
    above = map(_parent, layers)
    return {
        name: names[parent]
        for name, parent in zip(names, above, strict=True)
        if 0 <= parent < len(names)
    }


def _parent(layer: Json) -> int:
    """Return the number of a layer's parent; -1 is none, and 0 is what is left out."""
    return as_int(layer.get("parent", 0)) or 0


def _without_repeats(
    found: dict[str, tuple[Package, ...]], above: dict[str, str]
) -> dict[str, tuple[Package, ...]]:
    def says(layer: str) -> set[tuple[str, str, str]]:
        return {(item.name, item.version, item.path) for item in found.get(layer, ())}

    def is_new(layer: str) -> bool:
        mine, parent = says(layer), above.get(layer)
        while parent is not None:
            if mine <= says(parent):
                return False
            parent = above.get(parent)
        return True

    return {layer: packages for layer, packages in found.items() if is_new(layer)}


@dataclass(frozen=True, slots=True)
class Cut:
    """A config without some layers; ``records`` and ``layers`` are counts of what went."""

    config: Json
    kept: tuple[str, ...]
    records: int
    layers: int


def without(config: Json, layers: Collection[str]) -> Cut:
    """Return a cache's config without the records with those layers, and all that follow from them.

    A record follows from those that its inputs link to, and a layer from its parent. Links and
    parents are numbered anew.
    """
    all_layers, records = as_dicts(config.get("layers")), as_dicts(config.get("records"))
    gone_layers = _layers_on(all_layers, set(layers))
    gone = _records_on(records, gone_layers)
    kept = [number for number in range(len(records)) if number not in gone]
    used = _layers_of((records[number] for number in kept), all_layers)
    layer_at = {old: new for new, old in enumerate(sorted(used))}
    record_at = {old: new for new, old in enumerate(kept)}
    new = {
        "layers": [_layer(all_layers[old], layer_at) for old in sorted(used)],
        "records": [_record(records[old], record_at, layer_at) for old in kept],
    }
    names = tuple(as_text(all_layers[old].get("blob")) for old in sorted(used))
    return Cut(config | new, names, len(gone), len(all_layers) - len(used))


def _layers_on(layers: list[Json], digests: set[str]) -> set[int]:
    """Return the numbers of those layers and of all that stand on them."""
    gone = {number for number, item in enumerate(layers) if as_text(item.get("blob")) in digests}
    while True:
        more = {number for number, item in enumerate(layers) if _parent(item) in gone} - gone
        if not more:
            return gone
        gone |= more


def _records_on(records: list[Json], layers: set[int]) -> set[int]:
    """Return the numbers of the records with one of those layers, and of all that need one."""
    gone = {number for number, record in enumerate(records) if set(_results(record)) & layers}
    while True:
        more = {
            number
            for number, record in enumerate(records)
            if any(set(links) <= gone for links in _inputs(record) if links)
        } - gone
        if not more:
            return gone
        gone |= more


def _results(record: Json) -> Iterator[int]:
    for result in as_dicts(record.get("layers")):
        number = as_int(result.get("layer"))
        if number is not None:
            yield number
    for chain in as_dicts(record.get("chains")):
        yield from (
            number for item in as_list(chain.get("layers")) if (number := as_int(item)) is not None
        )


def _inputs(record: Json) -> list[list[int]]:
    return [
        [number for link in as_dicts(links) if (number := as_int(link.get("link"))) is not None]
        for links in as_list(record.get("inputs"))
    ]


def _layers_of(records: Iterator[Json], layers: list[Json]) -> set[int]:
    """Return the layers that records have, with all that they stand on."""
    used: set[int] = set()
    waiting = [number for record in records for number in _results(record)]
    while waiting:
        number = waiting.pop()
        if number in used or not 0 <= number < len(layers):
            continue
        used.add(number)
        waiting.append(_parent(layers[number]))
    return used


def _layer(layer: Json, layer_at: dict[int, int]) -> Json:
    return layer | {"parent": layer_at.get(_parent(layer), -1)}


def _record(record: Json, record_at: dict[int, int], layer_at: dict[int, int]) -> Json:
    new: Json = dict(record)
    if "inputs" in record:
        new["inputs"] = [
            [
                link | {"link": record_at[number]}
                for link in as_dicts(links)
                if (number := as_int(link.get("link"))) in record_at
            ]
            for links in as_list(record.get("inputs"))
        ]
    if "layers" in record:
        new["layers"] = [
            result | {"layer": layer_at[number]}
            for result in as_dicts(record.get("layers"))
            if (number := as_int(result.get("layer"))) in layer_at
        ]
    if "chains" in record:
        new["chains"] = [
            chain | {"layers": [layer_at[item] for item in as_list(chain.get("layers"))]}
            for chain in as_dicts(record.get("chains"))
        ]
    return new


def cut_out(registry: Registry, cache: CacheReference, layers: Collection[str]) -> Cut:
    """Let the reference be the same cache without those layers and what stands on them.

    The tag is moved last: until then the cache is what it was.

    Raises:
        WrongContentError: it has changed meanwhile, or is an index, as older builders write.
        RegistryError: the registry refused.
    """
    manifest = registry.manifest(cache.reference)
    if manifest.digest != cache.digest:
        raise WrongContentError(cache.reference, "it was exported anew meanwhile")
    if manifest.media_type in INDEX_MEDIA_TYPES:
        raise WrongContentError(
            cache.reference, "it is an index; export it with image-manifest=true"
        )
    cut = without(read_config(registry, cache), layers)
    data = json.dumps(cut.config).encode()
    document: dict[str, Any] = manifest.document
    document["config"] |= {"digest": registry.put_blob(cache.reference, data), "size": len(data)}
    document["layers"] = [
        item for item in as_dicts(document["layers"]) if as_text(item.get("digest")) in cut.kept
    ]
    registry.put_manifest(cache.reference, json.dumps(document).encode(), manifest.media_type)
    return cut
