"""Reads of services, builds, steps and images; every page and API query starts here."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from accounts.models import Project
from accounts.roles import Scope
from accounts.typing import Actor
from buildkit.images import INDEX_MEDIA_TYPES

if TYPE_CHECKING:
    from builds.models import Build, Image, Service, Step

USUAL_BUILDS = 20
"""How many past builds make the usual of a service."""


class ServiceQuerySet(models.QuerySet["Service"]):
    """Services."""

    def visible_to(self, actor: Actor, scope: Scope = Scope.BUILDS_READ) -> Self:
        """Services of the projects in which ``actor`` holds ``scope``."""
        return self.filter(project_id__in=actor.project_ids_with(scope))

    def labelled(self, labels: Mapping[str, str]) -> Self:
        """Services that have all of these labels; without any, all services."""
        return self.filter(labels__contains=dict(labels)) if labels else self


class BuildQuerySet(models.QuerySet["Build"]):
    """Builds."""

    def visible_to(self, actor: Actor, scope: Scope = Scope.BUILDS_READ) -> Self:
        """Builds of the projects in which ``actor`` holds ``scope``.

        One project is compared by ``=``: then the index on project and time serves the order too.
        """
        project_ids = actor.project_ids_with(scope)
        if len(project_ids) == 1:
            return self.filter(project_id=project_ids[0])
        return self.filter(project_id__in=project_ids)

    def of_project(self, slug: str) -> Self:
        """Builds of the project of that slug; by ``=``, not by a join, for the same index."""
        projects = Project.objects.filter(slug=slug).order_by()
        return self.filter(project_id=projects.values("pk")[:1])

    def newest_first(self) -> Self:
        """In the order of every list of builds."""
        return self.order_by("-listed_at", "-pk")

    def for_period(self, start: datetime, end: datetime) -> Self:
        """Builds listed at ``start`` or later and before ``end``."""
        return self.filter(listed_at__gte=start, listed_at__lt=end)

    def finished(self) -> Self:
        """Builds that have ended in any way."""
        return self.exclude(status__in=["queued", "running"])

    def succeeded(self) -> Self:
        """Builds that have ended well."""
        return self.filter(status="succeeded")

    def failed(self) -> Self:
        """Builds that have ended badly, or of which nobody heard any more."""
        return self.filter(status__in=["failed", "lost"])

    def comparable_to(self, build: "Build") -> Self:
        """Succeeded earlier builds of the same homogeneous group as ``build``.

        The group: service, target, variant, platforms and cache state. The bound on the time alone
        is what the index on service and time can start from.
        """
        return (
            self.succeeded()
            .filter(
                service_id=build.service_id,
                target=build.target,
                variant=build.variant,
                platforms=build.platforms,
                cache_state=build.cache_state,
                wall_seconds__isnull=False,
                listed_at__lte=build.listed_at,
            )
            .exclude(listed_at=build.listed_at, pk__gte=build.pk)
            .newest_first()
        )


class StepQuerySet(models.QuerySet["Step"]):
    """Steps."""

    def of(self, build: "Build") -> Self:
        """Steps of one build in order; naming the month keeps the read to one partition."""
        return self.filter(month=build.steps_month, build_id=build.pk).order_by("position")


class ImageQuerySet(models.QuerySet["Image"]):
    """Images."""

    def visible_to(self, actor: Actor, scope: Scope = Scope.BUILDS_READ) -> Self:
        """Images of the projects in which ``actor`` holds ``scope``."""
        return self.filter(project_id__in=actor.project_ids_with(scope))

    def known_by(self, digests: Collection[str]) -> Self:
        """Images of which one of the digests is that of the manifest or of the configuration."""
        return self.filter(Q(digest__in=digests) | Q(config_digest__in=digests))

    def without_indexes(self) -> Self:
        """Images that are one, and no list of them."""
        return self.exclude(media_type__in=INDEX_MEDIA_TYPES)
