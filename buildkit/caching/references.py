"""A cache in a registry: what BuildKit exported to a reference, and what it takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from buildkit.errors import ParseError
from buildkit.images import INDEX_MEDIA_TYPES
from buildkit.limits import Limits
from buildkit.registry import Manifest, Reference, Registry, WrongContentError
from buildkit.times import NANOSECONDS, parse_time
from buildkit.values import Json, as_dict, as_dicts, as_size, as_text, load_object

CACHE_CONFIG = "application/vnd.buildkit.cacheconfig.v0"
_CREATED = "buildkit/createdat"


@dataclass(frozen=True, slots=True)
class CacheReference:
    """What a reference of a registry cache points to; bytes by digest of all its blobs.

    ``layers`` are digests in the order of the manifest. ``created_at`` is when the newest layer was
    made, ``None`` if no layer says so.
    """

    reference: Reference
    digest: str
    config: str
    layers: tuple[str, ...]
    blobs: Mapping[str, int]
    created_at: datetime | None

    @property
    def bytes(self) -> int:
        """Bytes of all blobs."""
        return sum(self.blobs.values())


def read_cache(registry: Registry, reference: Reference) -> CacheReference:
    """Return what is at a reference.

    Raises:
        WrongContentError: it is something else than a cache of BuildKit.
        RegistryError: the registry did not give it.
    """
    return cache_of(registry.manifest(reference))


def cache_of(manifest: Manifest) -> CacheReference:
    """Return the cache that a manifest is: that of an image, or an index as older builders write.

    Raises:
        WrongContentError: it is something else.
    """
    document = manifest.document
    place = manifest.reference
    is_index = manifest.media_type in INDEX_MEDIA_TYPES or "manifests" in document
    parts = as_dicts(document.get("manifests" if is_index else "layers"))
    configs = [part for part in parts if as_text(part.get("mediaType")) == CACHE_CONFIG]
    config = (configs[0] if configs else {}) if is_index else as_dict(document.get("config"))
    if as_text(config.get("mediaType")) != CACHE_CONFIG:
        raise WrongContentError(place, "it is no cache of BuildKit")
    layers = [part for part in parts if part not in configs]
    times = [at for layer in layers if (at := _created(layer)) is not None]
    return CacheReference(
        reference=place,
        digest=manifest.digest,
        config=_digest(config, place),
        layers=tuple(_digest(layer, place) for layer in layers),
        blobs={_digest(part, place): _size(part, place) for part in [*layers, config]},
        created_at=datetime.fromtimestamp(max(times) / NANOSECONDS, UTC) if times else None,
    )


def read_config(registry: Registry, cache: CacheReference) -> Json:
    """Return the cache's config: its layers and records.

    Raises:
        WrongContentError: it is not JSON, or its bytes are not those of its digest.
    """
    data = registry.config(cache.reference, cache.config)
    try:
        return load_object(data, "config", Limits())
    except ParseError as error:
        raise WrongContentError(cache.reference, str(error)) from error


def shared_bytes(caches: list[CacheReference]) -> dict[Reference, int]:
    """Return, by reference, the bytes of the blobs that other caches of the list have, too.

    A registry keeps each blob once.
    """
    owners: dict[str, int] = {}
    for cache in caches:
        for digest in cache.blobs:
            owners[digest] = owners.get(digest, 0) + 1
    return {
        cache.reference: sum(size for digest, size in cache.blobs.items() if owners[digest] > 1)
        for cache in caches
    }


def _created(layer: Json) -> int | None:
    return parse_time(as_dict(layer.get("annotations")).get(_CREATED))


def _digest(part: Json, place: Reference) -> str:
    digest = as_text(part.get("digest"))
    if not digest:
        raise WrongContentError(place, "a part of the manifest has no digest")
    return digest


def _size(part: Json, place: Reference) -> int:
    size = as_size(part.get("size"))
    if size is None:
        raise WrongContentError(place, "a part of the manifest has no size")
    return size
