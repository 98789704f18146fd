"""Whether a cache in a registry is whole: all of its blobs there, and of the bytes they claim."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from buildkit.caching.references import CacheReference, cache_of
from buildkit.registry import NotFoundError, Reference, Registry, WrongContentError


class Fault(StrEnum):
    """What is wrong with a blob."""

    MISSING = "missing"
    WRONG_SIZE = "wrong size"
    CORRUPT = "corrupt"


@dataclass(frozen=True, slots=True)
class Problem:
    """One blob, or the manifest, that is not what it should be."""

    digest: str
    fault: Fault
    message: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found of a reference; ``digest`` is its manifest's, empty if there is none."""

    reference: Reference
    digest: str
    blobs: int
    checked_bytes: int
    problems: tuple[Problem, ...]

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def verify(registry: Registry, reference: Reference, *, deep: bool = False) -> Verdict:
    """Look whether each blob of a cache is there with its size; ``deep`` reads and hashes all.

    Raises:
        WrongContentError: the reference is of something else, such as an image.
        RegistryError: the registry did not answer, or does not let us look; that says nothing of
            the cache.
    """
    try:
        manifest = registry.manifest(reference)
    except NotFoundError:
        problem = Problem("", Fault.MISSING, "there is no manifest")
        return Verdict(reference, "", 0, 0, (problem,))
    except WrongContentError as error:
        return Verdict(reference, "", 0, 0, (Problem("", Fault.CORRUPT, error.message),))
    cache = cache_of(manifest)
    problems = tuple(_problems(registry, cache, deep=deep))
    return Verdict(reference, cache.digest, len(cache.blobs), cache.bytes if deep else 0, problems)


def _problems(registry: Registry, cache: CacheReference, *, deep: bool) -> Iterator[Problem]:
    for digest, size in cache.blobs.items():
        found = registry.blob_size(cache.reference, digest)
        if found is None:
            yield Problem(digest, Fault.MISSING, "the registry does not have the blob")
        elif found != size:
            yield Problem(digest, Fault.WRONG_SIZE, f"{found} bytes, the manifest says {size}")
        elif deep:
            yield from _read(registry, cache.reference, digest)


def _read(registry: Registry, reference: Reference, digest: str) -> Iterator[Problem]:
    try:
        for _ in registry.blob(reference, digest):
            pass
    except NotFoundError:
        yield Problem(digest, Fault.MISSING, "the registry does not give the blob")
    except WrongContentError as error:
        yield Problem(digest, Fault.CORRUPT, error.message)
