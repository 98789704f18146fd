"""Reads of scans and findings."""

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import BooleanField, Q
from django.db.models.expressions import RawSQL
from django.db.models.functions import Greatest
from django.utils import timezone

from accounts.roles import Scope
from accounts.typing import Actor

if TYPE_CHECKING:
    from security.models import Finding, Presence, Scan, VexDocument, Waiver


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

    def in_state(self, state: str) -> Self:
        """Those that stand so now: a waiver that has expired holds no more, settled or not."""
        now = timezone.now()
        if state == "waived":
            return self.filter(state=state, waived_until__gt=now)
        over = Q(state="waived", waived_until__lte=now)
        return self.filter(Q(state=state) | over & Q(seen_state=state))

    def listed(self, state: str) -> Self:
        """As ``in_state``, for a list in the order of its index, which two states would not have.

        Asks first whether there is any waiver that has expired and is not settled: there rarely is.
        """
        over = self.model._default_manager.filter(  # noqa: SLF001
            state="waived", waived_until__lte=timezone.now()
        )
        return self.in_state(state) if over.exists() else self.filter(state=state)

    def open(self) -> Self:
        """Those in images that are, or may be, in use, and that nobody let stay."""
        return self.in_state("open")

    def overdue(self) -> Self:
        """Open ones that were to be fixed by now."""
        return self.open().filter(due_at__lte=timezone.now())

    def due_within(self, time: timedelta) -> Self:
        """Open ones that are to be fixed between now and then."""
        now = timezone.now()
        return self.open().filter(due_at__gt=now, due_at__lte=now + time)

    def with_came_at(self) -> Self:
        """Each with when it came, or came back, to where it is: of one in use, into use."""
        # What is null does not count.
        return self.annotate(came_at=Greatest("first_seen_at", "reopened_at", "shipped_at"))

    def covered_by(self, waiver: "Waiver") -> Self:
        """Those that are somewhere now, and that a waiver covers, or would if it were active.

        ``states.WAIVER`` is the way back: from a finding to its waiver.
        """
        rows = self.in_scope_of(waiver).exclude(seen_state="fixed")
        if waiver.environment:
            rows = rows.filter(environments__contained_by=[waiver.environment])
        return rows

    def in_scope_of(self, waiver: "Waiver") -> Self:
        """Those that a waiver is about, wherever they are or were."""
        if waiver.finding_id:
            return self.filter(pk=waiver.finding_id)
        named = Q(name=waiver.name) | Q(aliases__contains=[waiver.name])
        rows = self.filter(named, project=waiver.project_id)
        if waiver.service_id:
            rows = rows.filter(service=waiver.service_id)
        return rows.filter(package=waiver.package) if waiver.package else rows

    def with_keys(self, service_id: int, keys: Iterable[bytes]) -> Self:
        """Those of a service with some keys.

        One parameter: thousands of them take longer to be written than the rows to be found.
        """
        some = RawSQL("security_finding.key = ANY(%s)", [list(keys)], BooleanField())
        return self.filter(some, service=service_id)

    def told(self) -> Self:
        """With all that a line about them needs."""
        return self.select_related(
            "service__project",
            "introduced_by",
            "fixed_by",
            "owner",
            "waiver__approved_by",
            "waiver__project",
            "statement__document__project",
        )


class PresenceQuerySet(models.QuerySet["Presence"]):
    """In which images findings were, from when to when."""

    def in_order(self) -> Self:
        """Those that are first, each with its lineage and scans."""
        rows = self.select_related("lineage", "since", "until")
        return rows.order_by(models.F("ended_at").desc(nulls_first=True), "-pk")


class WaiverQuerySet(models.QuerySet["Waiver"]):
    """Waivers."""

    def visible_to(self, actor: Actor, scope: Scope = Scope.BUILDS_READ) -> Self:
        """Waivers in the projects in which ``actor`` holds ``scope``."""
        return self.filter(project__in=actor.project_ids_with(scope))

    def in_state(self, state: str) -> Self:
        """Those that stand so now; ``Waiver.state_at`` tells the same of one."""
        now = timezone.now()
        standing = self.filter(rejected_at=None, revoked_at=None)
        rows = {
            "rejected": self.exclude(rejected_at=None),
            "revoked": self.exclude(revoked_at=None),
            "expired": standing.filter(expires_at__lte=now),
            "active": standing.filter(expires_at__gt=now).exclude(approved_at=None),
            "pending": standing.filter(expires_at__gt=now, approved_at=None),
        }
        return rows.get(state, self.none())

    def told(self) -> Self:
        """With all that a line about them needs."""
        return self.select_related(
            "project",
            "service",
            "finding__service",
            "requested_by",
            "approved_by",
            "rejected_by",
            "revoked_by",
        )


class VexDocumentQuerySet(models.QuerySet["VexDocument"]):
    """Documents of statements."""

    def visible_to(self, actor: Actor, scope: Scope = Scope.BUILDS_READ) -> Self:
        """Documents in the projects in which ``actor`` holds ``scope``."""
        return self.filter(project__in=actor.project_ids_with(scope))
