"""Looks at what tags of bases mean in registries that the server may ask, and how old they are."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from bases.following import image_of, note_look
from bases.models import BaseImage, BaseRepository, TagLook
from buildkit.errors import ParseError
from buildkit.imagefiles import from_registry
from buildkit.registry import NotFoundError, Reference, Registry, RegistryError
from buildkit.times import parse_time
from builds.masking import mask_secrets
from builds.rows import moment
from cache.registries import registry_for
from supplychain.bases.tags import newer_tags

EVERY = timedelta(hours=6)
AT_ONCE = 50
"""Repositories that one look lets workers ask about."""

MOST_TAGS = 5_000
MOST_IMAGES = 20
"""Tags and digests of a repository that are read in one look."""

REPRODUCIBLE = datetime.fromisoformat("1980-01-02T00:00:00+00:00")
"""Builds that always make the same write a time before this: it says nothing of their age."""


def due() -> list[int]:
    """Return the keys of repositories that services stand on and whose turn it is."""
    standing = BaseImage.objects.filter(repository=OuterRef("pk")).standing()
    waiting = Q(looked_at=None) | Q(looked_at__lt=timezone.now() - EVERY)
    rows = BaseRepository.objects.filter(waiting, Exists(standing), host__in=_hosts())
    return list(rows.order_by("looked_at", "pk").values_list("pk", flat=True)[:AT_ONCE])


def may_ask(repository: BaseRepository) -> bool:
    """Tell whether the server may ask a repository's registry."""
    return repository.host in _hosts()


def _hosts() -> list[str]:
    return list(settings.CACHE_REGISTRIES)


def look(repository: BaseRepository) -> None:
    """Note what the tags that services stand on mean now, and what other tags there are."""
    if not may_ask(repository):
        return
    now = timezone.now()
    try:
        registry = registry_for(repository.project, repository.host)
        repository.tags = sorted(registry.tags(repository.name))[:MOST_TAGS]
        _look_at_tags(registry, repository, now)
        _look_at_ages(registry, repository)
        repository.problem = ""
    except RegistryError as error:
        repository.problem = mask_secrets(str(error))[:500]
    repository.looked_at = now
    repository.save(update_fields=["tags", "problem", "looked_at"])


def _look_at_tags(registry: Registry, repository: BaseRepository, now: datetime) -> None:
    """Note the digest of each tag in use, and of the latest version after it."""
    rows = BaseImage.objects.filter(repository=repository).exclude(tag="").standing()
    used = list(rows.order_by("tag").values_list("tag", flat=True).distinct())
    wanted = dict.fromkeys(used)
    for tag in used:
        wanted |= dict.fromkeys(newer_tags(tag, repository.tags)[:1])
    for tag in list(wanted)[:MOST_IMAGES]:
        reference = Reference(repository.host, repository.name, tag)
        try:
            digest = registry.manifest(reference).digest
        except NotFoundError:
            continue  # the tag is gone, and what it meant last is all that is known
        note_look(
            image_of(repository.project_id, reference, digest, now), TagLook.Source.REGISTRY, now
        )


def _look_at_ages(registry: Registry, repository: BaseRepository) -> None:
    """Note when images were made whose age is not known; one that is gone has none."""
    rows = BaseImage.objects.filter(repository=repository, created_at=None)
    for image in rows.select_related("repository").order_by("-last_seen_at")[:MOST_IMAGES]:
        try:
            image.created_at = _created(registry, image.reference)
        except (NotFoundError, ParseError):
            continue
        if image.created_at:
            image.save(update_fields=["created_at"])


def _created(registry: Registry, reference: Reference) -> datetime | None:
    """Return when an image was made, unless its configuration has another purpose for the time."""
    files = from_registry(registry, reference)
    at = moment(parse_time(files.config.get("created")))
    return at if at and at >= REPRODUCIBLE else None
