"""What happened to a finding, for people."""

from typing import Any

from security.models import Finding, FindingEvent

MOST = 200
"""Events that are shown, the newest of them."""

Kind = FindingEvent.Kind

BADGES = {
    Kind.OPENED: "failed",
    Kind.REOPENED: "failed",
    Kind.SHIPPED: "failed",
    Kind.WAIVER_EXPIRED: "failed",
    Kind.WAIVER_REVOKED: "failed",
    Kind.WAIVER_LEFT: "failed",
    Kind.FIXED: "succeeded",
}
"""What opens a finding, and what closes it; the others are told plainly."""


def events_of(finding: Finding) -> list[FindingEvent]:
    """Return the events of a finding with what they are about, the first one first."""
    rows = finding.events.select_related(
        "scan",
        "build__project",
        "build__service",
        "waiver__project",
        "waiver__approved_by",
        "waiver__revoked_by",
        "statement__document__project",
    )
    return list(rows.order_by("-at", "-pk")[:MOST])[::-1]


def timeline_of(finding: Finding) -> list[dict[str, Any]]:
    """Return lines about what happened to a finding, the first one first."""
    return [_line(event) for event in events_of(finding)]


def _line(event: FindingEvent) -> dict[str, Any]:
    kind = Kind(event.kind)
    return {
        "event": event,
        "badge": BADGES.get(kind, "info"),
        "words": _words(event, kind),
        "detail": _detail(event, kind),
    }


def _words(event: FindingEvent, kind: FindingEvent.Kind) -> str:
    if kind == Kind.OWNER:
        return f"Owner: {event.note}" if event.note else "No owner any more"
    if kind == Kind.STATED and event.statement:
        return f"Stated: {event.statement.get_status_display().lower()}"
    return kind.label


def _detail(event: FindingEvent, kind: FindingEvent.Kind) -> str:
    """Return who did it, and why."""
    waiver = event.waiver
    if kind == Kind.WAIVED and waiver:
        by = f"approved by {waiver.approved_by}" if waiver.approved_by else "approved"
        return f"{by}, until {waiver.expires_at:%-d %b %Y %H:%M} UTC: {waiver.reason}"
    if kind == Kind.WAIVER_REVOKED and waiver and waiver.revoked_by:
        return f"by {waiver.revoked_by}"
    if kind == Kind.STATED and event.statement:
        return event.statement.statement or event.statement.justification
    if waiver and kind in {Kind.WAIVER_ASKED, Kind.WAIVER_REJECTED}:
        return f"by {event.actor}: {waiver.reason}"
    return f"by {event.actor}" if event.actor else ""
