"""Filters of the receipt list."""

import django_filters as filters

from builds.filters import MomentFilter
from ingest.models import IngestPayload
from ingest.querysets import IngestPayloadQuerySet

WAITING = "waiting"
STATES = [(WAITING, "Failed, waiting for somebody"), *IngestPayload.State.choices]


class ReceiptFilter(filters.FilterSet):
    """What a list of receipts can be narrowed by."""

    state = filters.ChoiceFilter(
        choices=STATES, label="State", empty_label="Any", method="in_state"
    )
    after = MomentFilter(field_name="received_at", lookup_expr="gte", label="From")
    before = MomentFilter(field_name="received_at", lookup_expr="lt", label="Before")

    class Meta:
        model = IngestPayload
        fields: list[str] = []

    def in_state(
        self, payloads: IngestPayloadQuerySet, name: str, value: str
    ) -> IngestPayloadQuerySet:
        """Payloads in that state; ``waiting`` are failures that nobody has dismissed."""
        if value == WAITING:
            return payloads.filter(state="failed", dismissed_at__isnull=True)
        return payloads.filter(state=value)
