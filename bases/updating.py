"""Updates of bases that the server tries: what may be asked for, and what came of it."""

from pathlib import Path
from typing import Any

import structlog
from django.db import transaction

from audit.services import ActorLike, record
from bases.alternatives import compared
from bases.exceptions import NotOfferedError
from bases.models import BaseImage, BaseUpdate, BaseUse
from bases.proposing import changes_of
from buildkit.errors import ParseError
from buildkit.registry import Reference
from builds.models import Service
from cli.bases.told import read_told
from farm.exceptions import NoSourceError
from farm.hiding import Hidden
from farm.models import BuildRequest, Source
from farm.services import trigger
from farm.updates import PATCH, VERDICT, update_wish
from supplychain.bases.editing import short

log = structlog.get_logger(__name__)

MOST_REASONS, REASON_LENGTH = 100, 500
MOST_PATCH_BYTES = 100_000
"""A change of a base is some lines; only a file of very long ones has a larger patch."""


@transaction.atomic
def try_update(*, image: BaseImage, service: Service, to: str, actor: ActorLike) -> BaseUpdate:
    """Queue an update of a service's base; an equal one that is still queued is the answer.

    Raises:
        NoSourceError: the server does not know where the service's code is.
        NotOfferedError: it is not proposed.
    """
    sources = Source.objects.select_related("service__project", "builder")
    source = sources.filter(service=service).first()
    if source is None:
        raise NoSourceError
    new = offered(image, service).get(to)
    if new is None:
        raise NotOfferedError
    old = short(image.reference).partition("@")[0]
    wish = update_wish(source, old, short(new))
    [request] = trigger(sources=[source], wish=wish, actor=actor)
    update, is_new = BaseUpdate.objects.get_or_create(request=request, defaults={"image": image})
    if is_new:
        changes = {"service": service.slug, "from": str(image), "to": str(new)}
        record(
            actor=actor,
            action="base.update_tried",
            target=update,
            project=service.project,
            changes=changes,
        )
    return update


def offered(image: BaseImage, service: Service) -> dict[str, Reference]:
    """Return what may be tried of a service in the place of a base, by its names."""
    if not BaseUse.objects.filter(image=image, service=service).standing().exists():
        return {}
    found = compared(image)
    changes = changes_of(image, found)
    new = [change.proposal.new for change in changes if change.service.pk == service.pk]
    new += [Reference.parse(row.name) for row in found.rows]
    return {name: reference for reference in new for name in (str(reference), short(reference))}


def patch_headers(update: BaseUpdate) -> dict[str, str]:
    """Return what makes a patch a file to download."""
    name = f"{update.request.build.service.slug}-base.patch"
    return {"Content-Disposition": f'attachment; filename="{name}"'}


def follow_retry(*, old: BuildRequest, new: BuildRequest, **_: Any) -> None:
    """Let the next attempt at an update be one."""
    for update in BaseUpdate.objects.filter(request=old):
        BaseUpdate.objects.create(request=new, image_id=update.image_id)


def take_result(*, request: BuildRequest, home: Path, **_: Any) -> None:
    """Keep the verdict and the patch that the command has left; without them it has failed."""
    if not request.base_to:
        return
    try:
        told = read_told((home / VERDICT).read_bytes())
        patch = (home / PATCH).read_bytes()
    except (OSError, ParseError):
        log.info("base_update_without_verdict", exc_info=True)
        return
    hidden = Hidden.of_this_worker()
    reasons = [hidden.text(reason)[:REASON_LENGTH] for reason in told.reasons[:MOST_REASONS]]
    text, note = _kept(patch, hidden)
    BaseUpdate.objects.filter(request=request).update(
        verdict=told.verdict.value, reasons=reasons, patch=text, note=note
    )


def _kept(patch: bytes, hidden: Hidden) -> tuple[str, str]:
    """Return a patch, or why it is kept back: one with a mask in it is none."""
    if len(patch) > MOST_PATCH_BYTES:
        return "", f"The patch is kept back: it has {len(patch)} bytes."
    try:
        text = patch.decode()
    except UnicodeDecodeError:
        return "", "The patch is kept back: it is not UTF-8."
    if "\0" in text or hidden.text(text) != text:
        return "", "The patch is kept back: it holds what may be a secret."
    return text, ""
