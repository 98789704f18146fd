"""Reads of bills of materials and of what they list."""

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.contrib.postgres.aggregates import ArrayAgg
from django.db import models
from django.db.models import F, Q

from accounts.roles import Scope
from accounts.typing import Actor

if TYPE_CHECKING:
    from sboms.models import Sbom, SbomPackage


BY_NAME = ("name", "package_version_id")
"""The order of what one bill lists."""


class SbomQuerySet(models.QuerySet["Sbom"]):
    """Bills of materials."""

    def visible_to(self, actor: Actor, scope: Scope = Scope.BUILDS_READ) -> Self:
        """Bills in the projects in which ``actor`` holds ``scope``."""
        return self.filter(project__in=actor.project_ids_with(scope))

    def told(self) -> Self:
        """With all that a line about them needs."""
        return self.select_related("project", "service", "image", "build", "lineage")

    def waiting(self) -> Self:
        """Those that wait for a build of their image."""
        return self.filter(lineage__isnull=True).exclude(digests=[])

    def keys_in_use(self, project_ids: Collection[int], at: datetime) -> list[int]:
        """Return the primary keys of bills in projects whose images were the newest at a time."""
        rows = self.order_by().filter(project__in=project_ids, in_use__contains=at)
        keys: list[int] | None = rows.aggregate(keys=ArrayAgg("pk"))["keys"]
        return keys or []


class SbomPackageQuerySet(models.QuerySet["SbomPackage"]):
    """What bills list."""

    def of(self, sbom: "Sbom") -> Self:
        """What one bill lists, with its ``name`` to be in order of."""
        rows = self.filter(sbom=sbom).select_related("package_version")
        return rows.annotate(name=F("package_version__name"))

    def named(self, part: str) -> Self:
        """Packages with a text in their name or namespace; all of them without one."""
        if not part:
            return self
        named = Q(package_version__name__icontains=part)
        return self.filter(named | Q(package_version__namespace__icontains=part))

    def told(self) -> Self:
        """With all that a line about them needs."""
        return self.select_related(
            "package_version",
            "sbom__project",
            "sbom__service",
            "sbom__image",
            "sbom__build",
            "sbom__lineage",
        )
