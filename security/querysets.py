"""Reads of scans and findings."""

from typing import TYPE_CHECKING, Self

from django.db import models

from accounts.roles import Scope
from accounts.typing import Actor

if TYPE_CHECKING:
    from security.models import Finding, Scan


class ScanQuerySet(models.QuerySet["Scan"]):
    """Scans."""

    def visible_to(self, actor: Actor, scope: Scope = Scope.BUILDS_READ) -> Self:
        """Scans in the projects in which ``actor`` holds ``scope``."""
        return self.filter(project__in=actor.project_ids_with(scope))

    def told(self) -> Self:
        """With all that a line about them needs."""
        return self.select_related("project", "service", "image", "build", "lineage")

    def waiting_for(self, digests: list[str]) -> Self:
        """Those that wait for an image with one of the digests."""
        return self.filter(lineage__isnull=True, digests__overlap=digests)


class FindingQuerySet(models.QuerySet["Finding"]):
    """Findings."""

    def visible_to(self, actor: Actor, scope: Scope = Scope.BUILDS_READ) -> Self:
        """Findings in the projects in which ``actor`` holds ``scope``."""
        return self.filter(project__in=actor.project_ids_with(scope))

    def open(self) -> Self:
        """Those in images that are, or may be, in use."""
        return self.filter(state="open")

    def told(self) -> Self:
        """With all that a line about them needs."""
        return self.select_related("service__project", "introduced_by", "fixed_by")
