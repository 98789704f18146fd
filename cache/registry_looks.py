"""Looks at what a project's caches take in registries, once a quarter of a day."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import Project
from buildkit.caching.references import CacheReference, read_cache
from buildkit.registry import NotFoundError, Reference, RegistryError, WrongContentError
from builds.masking import mask_secrets
from cache.models import ReferenceSize, RegistryDay
from cache.registries import references_of, registry_for

EVERY = timedelta(hours=6)


def due() -> list[int]:
    """Return the keys of projects whose caches nobody has looked at for ``EVERY``."""
    if not settings.CACHE_REGISTRIES:
        return []
    recent = RegistryDay.objects.filter(looked_at__gt=timezone.now() - EVERY)
    waiting = Project.objects.exclude(pk__in=recent.values("project"))
    return list(waiting.order_by("pk").values_list("pk", flat=True))


def look(project: Project) -> None:
    """Note what each registry holds of the project's caches now."""
    for host, references in references_of(project).items():
        now = timezone.now()
        try:
            keep(project, host, list(_read(project, host, references)), now)
        except RegistryError as error:
            _failed(project, host, mask_secrets(str(error))[:500], now)


def _read(project: Project, host: str, references: Iterable[Reference]) -> Iterator[CacheReference]:
    """Yield the caches; what is not there, or is none, is left out.

    Raises:
        RegistryError: the registry does not answer, or does not let us look.
    """
    registry = registry_for(project, host)
    for reference in references:
        try:
            yield read_cache(registry, reference)
        except (NotFoundError, WrongContentError):
            continue


def _failed(project: Project, host: str, problem: str, now: datetime) -> None:
    """Note that a registry was asked in vain; what is known of the day stays."""
    values = {"problem": problem, "looked_at": now}
    RegistryDay.objects.update_or_create(
        project=project, day=now.date(), host=host, defaults=values
    )


@transaction.atomic
def keep(
    project: Project,
    host: str,
    caches: Sequence[CacheReference],
    now: datetime,
) -> None:
    """Write what was found; the last look of a day stands for it."""
    owners = Counter(digest for cache in caches for digest in cache.blobs)
    sizes = {digest: size for cache in caches for digest, size in cache.blobs.items()}
    for cache in caches:
        own = sum(size for digest, size in cache.blobs.items() if owners[digest] == 1)
        values = {
            "digest": cache.digest,
            "layers": len(cache.layers),
            "size_bytes": cache.bytes,
            "own_bytes": own,
            "made_at": cache.created_at,
            "looked_at": now,
        }
        ReferenceSize.objects.update_or_create(
            project=project, day=now.date(), reference=str(cache.reference), defaults=values
        )
    shared = sum(size for digest, size in sizes.items() if owners[digest] > 1)
    RegistryDay.objects.update_or_create(
        project=project,
        day=now.date(),
        host=host,
        defaults={
            "references": len(caches),
            "used_bytes": sum(sizes.values()),
            "shared_bytes": shared,
            "problem": "",
            "looked_at": now,
        },
    )
