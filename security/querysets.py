"""Reads of scans and findings."""

from typing import TYPE_CHECKING, Self

from django.db import models

from accounts.roles import Scope
from accounts.typing import Actor

if TYPE_CHECKING:
    from security.models import Finding, Presence, Scan


class ScanQuerySet(models.QuerySet["Scan"]):
    """Scans."""

    def visible_to(self, actor: Actor, scope: Scope = Scope.BUILDS_READ) -> Self:
        """Scans in the projects in which ``actor`` holds ``scope``."""
        return self.filter(project__in=actor.project_ids_with(scope))

    def told(self) -> Self:
        """With all that a line about them needs."""
        return self.select_related("project", "service", "image", "build", "lineage")

    def waiting(self) -> Self:
        """Those that wait for a build of their image."""
        return self.filter(lineage__isnull=True).exclude(digests=[])


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


class PresenceQuerySet(models.QuerySet["Presence"]):
    """In which images findings were, from when to when."""

    def in_order(self) -> Self:
        """Those that are first, each with its lineage and scans."""
        rows = self.select_related("lineage", "since", "until")
        return rows.order_by(models.F("ended_at").desc(nulls_first=True), "-pk")
