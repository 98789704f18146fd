"""Retention on a registry: what its caches are, and the removal of those of a plan."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from buildkit.caching.references import cache_of
from buildkit.caching.retention import Held, Removal, protects
from buildkit.registry import (
    Manifest,
    NotFoundError,
    Reference,
    Registry,
    RegistryError,
    WrongContentError,
)
from buildkit.values import as_dict, as_dicts, as_size, as_text


@dataclass(frozen=True, slots=True)
class Expired:
    """What became of a removal: done, or why not."""

    removal: Removal
    is_done: bool
    message: str = ""


def held_in(
    registry: Registry,
    repository: str,
    used: Mapping[str, datetime],
    patterns: Collection[str],
    now: datetime,
) -> Iterator[Held]:
    """Yield what the tags of a repository hold; ``used`` are the last uses that are known.

    A cache of which no use is known counts as used when its newest layer was made. Images are
    protected, and so is all that matches one of the patterns.

    Raises:
        RegistryError: the registry did not answer.
    """
    for tag in registry.tags(repository):
        reference = Reference(registry.host, repository, tag)
        try:
            manifest = registry.manifest(reference)
        except NotFoundError:
            continue  # deleted meanwhile
        yield _held(registry, manifest, used, patterns, now)


def _held(
    registry: Registry,
    manifest: Manifest,
    used: Mapping[str, datetime],
    patterns: Collection[str],
    now: datetime,
) -> Held:
    name = str(manifest.reference)
    repository = manifest.reference.repository
    try:
        cache = cache_of(manifest)
    except WrongContentError:
        blobs, needs = _image_blobs(registry, manifest)
        return Held(
            name,
            repository,
            manifest.digest,
            now,
            blobs,
            needs,
            is_protected=True,
            counts=False,
        )
    last = used.get(name) or cache.created_at or now
    is_protected = protects(patterns, name)
    return Held(name, repository, cache.digest, last, cache.blobs, is_protected=is_protected)


def _image_blobs(registry: Registry, manifest: Manifest) -> tuple[dict[str, int], frozenset[str]]:
    """Return the blobs of an image with all its platforms, and the manifests it is made of.

    Of what is no manifest at all nothing is known.
    """
    try:
        document = manifest.document
    except WrongContentError:
        return {}, frozenset()
    parts = [as_dict(document.get("config")), *as_dicts(document.get("layers"))]
    blobs = {as_text(part.get("digest")): as_size(part.get("size")) or 0 for part in parts if part}
    children = {as_text(item.get("digest")) for item in as_dicts(document.get("manifests"))}
    for digest in children:
        try:
            child = registry.manifest(manifest.reference.at(digest))
        except NotFoundError:
            continue  # an index may name what was never pushed
        blobs |= _image_blobs(registry, child)[0]
    return blobs, frozenset(children)


def expire(registry: Registry, removals: Iterable[Removal]) -> Iterator[Expired]:
    """Remove the manifests of a plan, and yield what became of each.

    A reference that points to something else by now was exported anew: its manifest stays.
    """
    for removal in removals:
        try:
            yield _expire(registry, removal)
        except RegistryError as error:
            yield Expired(removal, is_done=False, message=str(error))


def _expire(registry: Registry, removal: Removal) -> Expired:
    for item in removal.held:
        now = registry.manifest(Reference.parse(item.reference))
        if now.digest != item.digest:
            return Expired(removal, is_done=False, message=f"{item.reference} was exported anew")
    first = Reference.parse(removal.held[0].reference)
    registry.delete_manifest(first.at(removal.digest))
    return Expired(removal, is_done=True)
