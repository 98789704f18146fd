"""What the page of one verification shows."""

from collections.abc import Iterator
from typing import Any

from django.urls import reverse

from buildkit.values import Json, as_text, as_web_address
from trust.models import Verification
from trust.pages import line_of
from trust.shown import Shown, shown

MOST_BESIDE = 10
STANDING = {
    "counts": "attested by a signer that counts",
    "refused": "attested, but refused",
    "unsigned": "put into the index by BuildKit, and signed by nobody",
}


def verification_page(verification: Verification) -> dict[str, Any]:
    """Return the context of the page."""
    said = shown(verification)
    slug = verification.project.slug
    beside = Verification.objects.filter(project=verification.project_id).beside(verification)
    return line_of(verification) | {
        "crumbs": [{"label": "Signatures", "href": reverse("trust:signatures", args=[slug])}],
        **provenance_of(verification),
        "signatures": [_signature(item) for item in said.signatures],
        "beside": [line_of(item) for item in beside.told()[:MOST_BESIDE]],
    }


def provenance_of(verification: Verification) -> dict[str, Any]:
    """Return what was said, and what came from what: an empty chain without provenance."""
    said = shown(verification)
    return {
        "said": said,
        "chain": list(_chain(verification, said)) if said.provenance else [],
        "standing": STANDING.get(as_text(said.provenance.get("standing")), ""),
    }


def _chain(verification: Verification, said: Shown) -> Iterator[dict[str, str]]:
    """Yield what came from what: source, builder, image."""
    source, provenance = said.source, said.provenance
    parts = (source.get("revision", ""), source.get("ref", ""))
    yield {
        "label": "Source",
        "value": source.get("repository", ""),
        "note": ", ".join(filter(None, parts)),
        "link": as_web_address(source.get("repository")),
    }
    yield {
        "label": "Builder",
        "value": as_text(provenance.get("builder")),
        "note": as_text(provenance.get("build_type")),
        "link": as_web_address(provenance.get("builder")),
    }
    yield {
        "label": "Image",
        "value": verification.image_name,
        "note": verification.digest,
        "link": "",
    }


def _signature(item: Json) -> dict[str, Any]:
    fault = as_text(item.get("fault"))
    by = item.get("by")
    return {
        "by": ", ".join(as_text(name) for name in by) if isinstance(by, list) else "",
        "fingerprint": as_text(item.get("fingerprint")),
        "store": as_text(item.get("store")),
        "fault": fault,
        "badge": "failed" if fault else "succeeded",
    }
