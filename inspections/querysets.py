"""Reads of inspections and of BuildKit's checks."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F
from django.db.models.functions import RowNumber

from accounts.models import Project
from accounts.roles import Scope
from accounts.typing import Actor
from builds.branches import BranchClass

if TYPE_CHECKING:
    from inspections.models import Inspection, Rule, RuleLook
    from security.models import Lineage


class InspectionQuerySet(models.QuerySet["Inspection"]):
    """Inspections of images."""

    def visible_to(self, actor: Actor, scope: Scope = Scope.BUILDS_READ) -> Self:
        """Inspections in the projects in which ``actor`` holds ``scope``."""
        return self.filter(project__in=actor.project_ids_with(scope))

    def told(self) -> Self:
        """With all that a line about them needs."""
        return self.select_related("project", "service", "image", "build__project", "lineage")

    def waiting(self) -> Self:
        """Those that wait for a build of their image."""
        return self.filter(lineage__isnull=True).exclude(digests=[])

    def newest_first(self) -> Self:
        """By the image, and then by the look at it."""
        return self.order_by(F("image_at").desc(nulls_last=True), "-inspected_at", "-pk")

    def newest_of(self, lineage: "Lineage") -> "Inspection | None":
        """Return the inspection of the newest image of a lineage."""
        return self.filter(lineage=lineage).newest_first().first()

    def newest_of_each(self, project: Project) -> Self:
        """The inspection of the newest image of each lineage of a project."""
        newest = (
            self.filter(project=project, lineage__isnull=False)
            .order_by(
                "lineage", F("image_at").desc(nulls_last=True), F("inspected_at").desc(), "-pk"
            )
            .distinct("lineage")
        )
        return self.filter(pk__in=newest.values("pk"))


class RuleQuerySet(models.QuerySet["Rule"]):
    """Rules of BuildKit's checks."""

    def visible_to(self, actor: Actor, scope: Scope = Scope.BUILDS_READ) -> Self:
        """Rules of services in the projects in which ``actor`` holds ``scope``."""
        return self.filter(project__in=actor.project_ids_with(scope))

    def told(self) -> Self:
        """With all that a line about them needs."""
        return self.select_related(
            "service__project", "first_build__project", "last_build__project"
        )

    def with_state(self) -> Self:
        """With ``is_broken``: whether the newest look at the target found it, too."""
        from inspections.models import RuleLook

        later = RuleLook.objects.of_main_line().filter(
            service=models.OuterRef("service"),
            target=models.OuterRef("target"),
            at__gt=models.OuterRef("last_at"),
        )
        return self.annotate(is_broken=~models.Exists(later))


class RuleLookQuerySet(models.QuerySet["RuleLook"]):
    """Runs of BuildKit's checks."""

    def of_main_line(self) -> Self:
        """Those of what is, or may be, in use: not of pull requests and other branches."""
        return self.exclude(branch_class__in=[BranchClass.CHANGE, BranchClass.OTHER])

    def of_groups(self, groups: Iterable[tuple[int, str]], most: int) -> list["RuleLook"]:
        """Return the newest looks at each of some services and targets, the oldest first."""
        wanted = models.Q(pk__in=[])
        for service, target in groups:
            wanted |= models.Q(service=service, target=target)
        numbered = self.filter(wanted).annotate(
            place=models.Window(
                RowNumber(),
                partition_by=["service", "target"],
                order_by=["-at", "-pk"],
            )
        )
        return list(numbered.filter(place__lte=most).order_by("at", "pk"))
