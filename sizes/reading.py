"""What lies in images, read from registries that the server may ask: once for each digest."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from buildkit.errors import ParseError
from buildkit.imagefiles import from_registry, read_contents, told
from buildkit.layers import LayerLimits
from buildkit.registry import Reference, RegistryError
from builds.masking import mask_secrets
from builds.models import Image
from cache.registries import allowed, registry_for
from sizes.models import ImageContents, InstructionSize, SizedImage
from sizes.uncompressed import remake_days

log = structlog.get_logger(__name__)

LIMITS = LayerLimits(bytes=8 * 1024**3, entries=1_000_000)
AT_ONCE = 10
"""Images that one look lets workers read."""

READ_SECONDS = 900
AGAIN = timedelta(days=1)
"""When a registry that did not give an image is asked again."""

MOST_TOOLS = 100
BUSY = "is being read"


def due() -> list[int]:
    """Return the keys of images to be read: the newest of each group, if it can be asked for."""
    if not settings.CACHE_REGISTRIES:
        return []
    newest = SizedImage.objects.newest_of(InstructionSize.objects.all().standing())
    images = Image.objects.filter(pk__in=newest.values("image")).exclude(names=[])
    waiting = images.filter(_unread()).order_by("-pk")
    found = (image.pk for image in waiting.iterator() if reference_of(image))
    return [pk for pk, _ in zip(found, range(AT_ONCE), strict=False)]


def _unread() -> Q:
    return Q(contents__isnull=True) | Q(contents__again_at__lte=timezone.now())


def reference_of(image: Image) -> Reference | None:
    """Return where an image may be asked for, by its digest; ``None`` if nowhere."""
    found = (allowed(name) for name in image.names)
    return next((reference.at(image.digest) for reference in found if reference), None)


def read_image(image: Image) -> None:
    """Read the layers of an image and keep what they waste, unless somebody else is at it."""
    reference = reference_of(image)
    if reference is None or not _claim(image):
        return
    try:
        registry = registry_for(image.project, reference.host)
        files = from_registry(registry, reference)
        found = told(read_contents(files, LIMITS), [mask_secrets(i) for i in files.instructions])
    except ParseError as error:
        _keep(image, error=mask_secrets(str(error)))
    except RegistryError as error:
        _keep(image, error=mask_secrets(str(error)), again_at=timezone.now() + AGAIN)
    else:
        with transaction.atomic():
            _keep(image, **_bounded(found))
            remake_days(image)


def give_up(image: Image) -> None:
    """Note that reading took too long."""
    _keep(image, error=f"Reading its layers took longer than {READ_SECONDS} s.")


def _bounded(found: Mapping[str, Any]) -> dict[str, Any]:
    return {**found, "tools": found["tools"][:MOST_TOOLS]}


def _claim(image: Image) -> bool:
    """Keep others from an image while it is read; a worker that dies leaves it to the next look."""
    until = timezone.now() + timedelta(seconds=2 * READ_SECONDS)
    values = {"error": BUSY, "again_at": until, "read_at": timezone.now()}
    _, is_new = ImageContents.objects.get_or_create(image=image, defaults=values)
    again = ImageContents.objects.filter(image=image, again_at__lte=timezone.now())
    return is_new or again.update(**values) == 1


def _keep(image: Image, **values: Any) -> None:
    """Write what was found, or why nothing was."""
    error = values.pop("error", "")[:500]
    again_at = values.pop("again_at", None)
    ImageContents.objects.filter(image=image).update(
        **values, error=error, again_at=again_at, read_at=timezone.now()
    )
    if error:
        log.warning("image_not_read", digest=image.digest, error=error)
