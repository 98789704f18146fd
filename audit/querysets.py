"""Reads of the audit trail."""

from typing import TYPE_CHECKING, Self

from django.db import models

if TYPE_CHECKING:
    from audit.models import AuditEvent


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    """Audit events."""

    def in_chain(self, chain: str) -> Self:
        """Events of one chain, oldest first."""
        return self.filter(chain=chain).order_by("sequence")

    def chains(self) -> list[str]:
        """Names of all chains."""
        return sorted(self.order_by().values_list("chain", flat=True).distinct())
