"""Reads of payloads."""

from datetime import timedelta
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce, Now

from accounts.roles import Scope
from accounts.typing import Actor

if TYPE_CHECKING:
    from ingest.models import IngestPayload


class IngestPayloadQuerySet(models.QuerySet["IngestPayload"]):
    """Payloads; lists leave the bytes in the database."""

    def visible_to(self, actor: Actor) -> Self:
        """Payloads whose receipts ``actor`` may read; whoever may send may ask what became."""
        return self.filter(
            project_id__in=[
                *actor.project_ids_with(Scope.INGEST_READ),
                *actor.project_ids_with(Scope.INGEST_WRITE),
            ]
        )

    def replayable_by(self, actor: Actor) -> Self:
        """Payloads that ``actor`` may replay or dismiss."""
        return self.filter(project_id__in=actor.project_ids_with(Scope.INGEST_REPLAY))

    def without_body(self) -> Self:
        """Leave out the bytes."""
        return self.defer("body")

    def with_builds(self) -> Self:
        """Fetch what receipts tell of what was made of them, whatever their number."""
        return self.select_related(
            "scan_link__scan__project",
            "document_link__document__project",
            "sbom_link__sbom__project",
        ).prefetch_related("build_links__build__project")

    def left_behind(self, after: timedelta) -> Self:
        """Payloads whose message was lost, that wait to be tried again, or whose worker died."""
        began = Coalesce("digest_started_at", "received_at")
        waiting = self.filter(state__in=["received", "digesting"])
        return waiting.annotate(since=began).filter(since__lt=Now() - after).order_by("received_at")

    def expired(self, retention: timedelta) -> Self:
        """Settled payloads beyond their retention; failures stay until somebody settles them."""
        settled = Q(state="done") | Q(state="failed", dismissed_at__isnull=False)
        return self.filter(settled, received_at__lt=Now() - retention)
