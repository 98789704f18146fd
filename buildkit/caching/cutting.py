"""The registry's side of an invalidation: layers that are cut out of the caches of targets."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from buildkit.caching.installing import Bound
from buildkit.caching.matching import Recorded
from buildkit.caching.references import CacheReference, read_cache
from buildkit.caching.surgery import cut_out, layers_installing
from buildkit.registry import (
    NotFoundError,
    Reference,
    Registry,
    RegistryError,
    WrongContentError,
)


@dataclass(frozen=True, slots=True)
class Cutting:
    """The layers to be cut out of one cache, why, and what could not be looked at."""

    registry: Registry
    cache: CacheReference
    layers: tuple[str, ...]
    reasons: tuple[str, ...]
    unread: tuple[str, ...] = ()

    def carry_out(self) -> str:
        """Cut the layers out and say what became of it."""
        try:
            cut = cut_out(self.registry, self.cache, self.layers)
        except RegistryError as error:
            return f"not changed: {error}"
        return f"{self.cache.reference}: {cut.layers} of {len(self.cache.layers)} layers cut out"


def cuttings(
    references: Sequence[Reference],
    steps: Sequence[Recorded],
    bound: Bound | None,
    registry_of: Callable[[str], Registry],
) -> Iterator[Cutting]:
    """Yield what is to be cut out of each cache: layers of steps, or of a package's versions.

    With ``bound`` the layers themselves are read; else records tell those of the steps.
    References without a cache are left out.

    Raises:
        RegistryError: a registry does not answer: that says nothing of its caches.
    """
    for reference in references:
        registry = registry_of(reference.host)
        try:
            cache = read_cache(registry, reference)
        except (NotFoundError, WrongContentError):
            continue  # nothing was exported yet, or something else lies there
        found = _of_package(registry, cache, bound) if bound else _of_steps(registry, cache, steps)
        if found.layers or found.unread:
            yield found


def _of_package(registry: Registry, cache: CacheReference, bound: Bound) -> Cutting:
    found = layers_installing(registry, cache, bound)
    reasons = (
        f"{layer}: {item.name} {item.version} ({item.path})"
        for layer, packages in found.layers.items()
        for item in packages
    )
    return Cutting(registry, cache, tuple(found.layers), tuple(reasons), found.unread)


def _of_steps(registry: Registry, cache: CacheReference, steps: Sequence[Recorded]) -> Cutting:
    names = {item.step.layer_digest: item.step.name for item in steps if item.step.layer_digest}
    layers = tuple(dict.fromkeys(layer for layer in cache.layers if layer in names))
    return Cutting(registry, cache, layers, tuple(f"{layer}: {names[layer]}" for layer in layers))
