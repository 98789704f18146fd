"""The trail as JSON Lines that prove themselves; ``verify_trail.py`` says what each line is."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from audit.chain import canonical, hashed_part
from audit.models import AuditEvent, Checkpoint, Signed, SigningKey, Tombstone
from evidence.exports.selection import Selection

FORMAT = "buildinsights.audit.export.v1"
AT_ONCE = 2000


@dataclass(slots=True)
class _Sum:
    """What is signed at the end: that these hashes, in this order, were in the file; and which
    of them with their events."""

    events: int = 0
    withheld: int = 0
    hashes: Any = field(default_factory=sha256)
    shown: Any = field(default_factory=sha256)

    def add(self, digest: str, *, is_shown: bool) -> None:
        self.hashes.update(digest.encode())
        if is_shown:
            self.shown.update(digest.encode())
        self.events += is_shown
        self.withheld += not is_shown


def proof_of(selection: Selection) -> Iterator[bytes]:
    """Yield the lines of an export in constant memory."""
    header = _header(selection)
    yield _line({"header": header})
    yield from _signed_lines(keys_of(selection), "key")
    yield from _signed_lines(Tombstone.objects.in_chain(selection.chain), "tombstone")
    known = Checkpoint.objects.in_chain(selection.chain)
    checkpoints = list(known.filter(sequence__lte=selection.until.sequence))
    yield from _signed_lines(checkpoints, "checkpoint")
    total = _Sum()
    write = _chosen if selection.is_partial else _whole
    yield from write(selection, total)
    yield _end(selection, header, total, len(checkpoints))


def _header(selection: Selection) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "chain": selection.chain,
        "project": selection.name,
        "made_at": selection.made_at.isoformat(),
        "made_by": selection.made_by,
        "filters": dict(selection.filters),
    }


def keys_of(selection: Selection) -> list[SigningKey]:
    """Return the key of the end and those before it: it may be replaced while this is read."""
    keys = SigningKey.objects
    return keys.up_to(selection.signer.key_id) if selection.signer else keys.oldest_first()


def _whole(selection: Selection, total: _Sum) -> Iterator[bytes]:
    for event in selection.documents():
        total.add(event["hash"], is_shown=True)
        yield event_line(event)


def _chosen(selection: Selection, total: _Sum) -> Iterator[bytes]:
    """Yield what the filters choose, and between it the hashes of all else."""
    links = AuditEvent.objects.in_chain(selection.chain).values_list("sequence", "hash")
    at, end = selection.after.sequence, selection.until.sequence
    while at < end:
        last = min(at + AT_ONCE, end)
        shown = {event["sequence"]: event for event in selection.shown.documents(at, last)}
        withheld: list[str] = []
        for sequence, digest in links.filter(sequence__gt=at, sequence__lte=last):
            total.add(digest, is_shown=sequence in shown)
            if sequence not in shown:
                withheld.append(digest)
                continue
            yield from _withheld_line(withheld)
            withheld = []
            yield event_line(shown[sequence])
        yield from _withheld_line(withheld)
        at = last


def _withheld_line(hashes: list[str]) -> Iterator[bytes]:
    if hashes:
        yield _line({"withheld": hashes})


def event_line(event: Mapping[str, Any]) -> bytes:
    """Return an event as its hash is over it, so that nobody has to write it anew to check it."""
    digest = str(event["hash"]).encode()
    return b'{"hash":"' + digest + b'","event":' + canonical(hashed_part(event)) + b"}\n"


def _end(selection: Selection, header: Mapping[str, Any], total: _Sum, checkpoints: int) -> bytes:
    key = selection.signer
    document = {
        "header": header,
        "sequence": selection.until.sequence,
        "hash": selection.until.hash,
        "hashes": total.hashes.hexdigest(),
        "shown": total.shown.hexdigest(),
        "events": total.events,
        "withheld": total.withheld,
        "checkpoints": checkpoints,
        "made_at": header["made_at"],
        "key_id": key.key_id if key else "",
    }
    return _line({"end": document, "signature": key.sign(document) if key else ""})


def _signed_lines(rows: Any, noun: str) -> Iterator[bytes]:
    row: Signed | SigningKey
    for row in rows:
        yield _line({noun: row.document(), "signature": row.signature})


def _line(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode() + b"\n"
