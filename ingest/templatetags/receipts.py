"""Receipts on the pages of what was made from them."""

from django import template

from builds.models import Build
from ingest.models import IngestPayload

register = template.Library()


@register.simple_tag
def payloads_of(build: Build) -> list[IngestPayload]:
    """Return the payloads that told of ``build``, first to last, without their bytes."""
    payloads = IngestPayload.objects.filter(builds=build).without_body()
    return list(payloads.select_related("project").order_by("received_at", "pk"))
