"""Reads of deployments."""

from collections.abc import Collection
from typing import TYPE_CHECKING, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Func

from accounts.roles import Scope
from accounts.typing import Actor
from buildkit.images import INDEX_MEDIA_TYPES
from builds.models import Image

if TYPE_CHECKING:
    from deployments.models import Deployment

GROUP = ("service_id", "target", "environment")
"""Of what shares these the newest took the place of those before it."""

DIGESTS = Func(
    F("digest"),
    function="ARRAY",
    template="%(function)s[%(expressions)s]",
    output_field=ArrayField(models.CharField(max_length=80)),
)
"""The digest as the list that ``security.matching`` asks for."""


class DeploymentQuerySet(models.QuerySet["Deployment"]):
    """Deployments."""

    def visible_to(self, actor: Actor, scope: Scope = Scope.BUILDS_READ) -> Self:
        """Deployments in the projects in which ``actor`` holds ``scope``."""
        return self.filter(project__in=actor.project_ids_with(scope))

    def told(self) -> Self:
        """With all that a line about them needs."""
        return self.select_related(
            "project",
            "service__project",
            "image",
            "build__project",
            "verdict__project",
            "verdict__version__policy",
        )

    def of_images(self, images: Collection[Image]) -> Self:
        """Those of some images, also by an index that lists one of them."""
        indexes = Image.objects.filter(
            build_links__build__image_links__image__in=images, media_type__in=INDEX_MEDIA_TYPES
        )
        own = {text for one in images for text in (one.digest, one.config_digest) if text}
        return self.filter(
            project__in={one.project_id for one in images},
            # A list, and no query within the query: each is looked up in the index.
            digest__in=own.union(indexes.values_list("digest", flat=True)),
        )

    def current(self) -> Self:
        """What runs: of these, the newest of each service, target and environment that succeeded.

        Of an image whose service nobody knows it cannot be told what has taken its place.
        """
        newest = (
            self.filter(status="succeeded", service__isnull=False)
            .order_by(*GROUP, "-deployed_at", "-pk")
            .distinct(*GROUP)
        )
        # A list: of a query within the query the planner expects half of all rows.
        return self.filter(pk__in=list(newest.values_list("pk", flat=True)))

    def waiting(self) -> Self:
        """Those that wait for a build of their image; ``digests`` is what matching asks for."""
        return self.filter(build__isnull=True).annotate(digests=DIGESTS)
