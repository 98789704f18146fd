"""Reads of sizes."""

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from accounts.roles import Scope
from accounts.typing import Actor

if TYPE_CHECKING:
    from sizes.models import ImageContents, InstructionSize, SizedImage

GROUP = ("target", "variant", "platform")
"""What images of a service have in common that may be held against each other."""


class SizedImageQuerySet(models.QuerySet["SizedImage"]):
    """Images with the builds that made them."""

    def visible_to(self, actor: Actor, scope: Scope = Scope.BUILDS_READ) -> Self:
        """Those in the projects in which ``actor`` holds ``scope``."""
        return self.filter(service__project__in=actor.project_ids_with(scope))

    def newest_of(self, stairs: "InstructionSizeQuerySet", until: datetime | None = None) -> Self:
        """The last one of each group that has ``stairs``, before ``until`` if that is said.

        What stands tells which groups there are, so it costs the same however many images there
        were.
        """
        same = {name: OuterRef(name) for name in ("service", *GROUP)}
        images = self.model._default_manager.filter(**same)  # noqa: SLF001
        last = (images.filter(at__lt=until) if until else images).order_by("-number")
        groups = stairs.order_by().values("service", *GROUP).distinct()
        keys = groups.annotate(newest=Subquery(last.values("pk")[:1])).values("newest")
        return self.filter(pk__in=keys)

    def told(self, moment: datetime) -> Self:
        """With all that a line about them needs, and with ``before_bytes``.

        That is the size of the group's image at ``moment``, or of its first one if that is later.
        """
        same = {name: OuterRef(name) for name in ("service", *GROUP)}
        rows = self.model._default_manager.filter(**same)  # noqa: SLF001
        then = rows.filter(at__lte=moment).order_by("-number").values("size_bytes")[:1]
        first = rows.filter(number=1).values("size_bytes")[:1]
        before = Coalesce(Subquery(then), Subquery(first))
        return self.select_related(
            "service__project", "build__project", "image__contents"
        ).annotate(before_bytes=before)


class InstructionSizeQuerySet(models.QuerySet["InstructionSize"]):
    """Steps of the staircases."""

    def standing(self) -> Self:
        """What images have now."""
        return self.filter(until__isnull=True, after_bytes__isnull=False)

    def at_time(self, moment: datetime) -> Self:
        """What images had at a moment."""
        stood = Q(until__isnull=True) | Q(until__gt=moment)
        return self.filter(stood, at__lte=moment, after_bytes__isnull=False)


class ImageContentsQuerySet(models.QuerySet["ImageContents"]):
    """Contents of images."""

    def known(self) -> Self:
        """Those that could be read."""
        return self.filter(wasted_bytes__isnull=False)
