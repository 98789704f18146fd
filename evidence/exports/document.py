"""The trail as PDF: to be read on paper, not to be proved."""

from collections.abc import Iterable
from datetime import datetime
from itertools import islice

from reportlab.platypus import Flowable

from audit.checkpoints import newest_of
from buildinsights.pdf import HEADING, NOTE, TITLE, document, table_of, text_of
from evidence.changes import changes_of
from evidence.exports.selection import Selection

MOST_EVENTS = 2000
"""Events of one document, about 80 pages; the other formats have all."""


def document_of(selection: Selection) -> bytes:
    """Return the PDF, the oldest event first."""
    return document(f"Audit trail of {selection.name}", _parts(selection))


def _parts(selection: Selection) -> Iterable[Flowable]:
    made = f"{selection.made_at:%-d %b %Y %H:%M} UTC by {selection.made_by}"
    yield text_of(f"Audit trail of {selection.name}", TITLE)
    yield text_of(f"Chain {selection.chain}. Written {made}.", NOTE)
    if selection.filters:
        said = ", ".join(f"{name} {value}" for name, value in sorted(selection.filters.items()))
        yield text_of(f"Only what these filters choose: {said}.", NOTE)
    yield text_of(_state(selection))
    yield text_of("Events", HEADING)
    events = list(islice(selection.documents(), MOST_EVENTS + 1))
    if len(events) > MOST_EVENTS:
        text = f"The oldest {MOST_EVENTS}. Narrow it by dates, or take JSON Lines for all."
        yield text_of(text, NOTE)
    rows = [
        (
            event["sequence"],
            f"{datetime.fromisoformat(event['occurred_at']):%Y-%m-%d %H:%M:%S}",
            event["actor_name"],
            event["action"],
            f"{event['target_repr']} ({event['target_type']})",
            "; ".join(str(change) for change in changes_of(event["changes"])),
            event["ip"] or "–",
            event["hash"][:12],
        )
        for event in events[:MOST_EVENTS]
    ]
    heads = ("No.", "When (UTC)", "Who", "Action", "To what", "Changes", "Address", "Hash")
    yield table_of(heads, (-7, 16, 16, 18, 28, 40, 12, 12), rows) if rows else text_of("None.")


def _state(selection: Selection) -> str:
    checkpoint = newest_of(selection.chain)
    if checkpoint is None:
        return "No checkpoint is signed: this server has no key for that."
    return (
        f"Event {checkpoint.sequence} has the hash {checkpoint.hash}, signed on"
        f" {checkpoint.made_at:%-d %b %Y %H:%M} UTC with the key {checkpoint.key_id}."
        " This page proves nothing by itself: the export as ZIP does, with the program in it."
    )
