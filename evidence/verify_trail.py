#!/usr/bin/env python3
"""Check an exported audit trail, without the server that wrote it and without a network.

    python3 verify_trail.py trail.jsonl --fingerprint 3f1c…
    python3 verify_trail.py audit.zip --earlier audit-of-last-year.zip

Needs Python 3.9 or newer and the package `cryptography`. All it knows is in this file.

An export is JSON Lines. Each line is one of

    {"header": {…}}                        what was exported, when, and by which filters
    {"key": {…}, "signature": "…"}         a public key; it names the key before it
    {"tombstone": {…}, "signature": "…"}   events up to here were removed by the operator
    {"checkpoint": {…}, "signature": "…"}  how many events there were, and the hash of the last
    {"hash": "…", "event": {…}}            an event
    {"withheld": ["…"]}                    hashes of events that the filters left out
    {"end": {…}, "signature": "…"}         what the file holds, signed when it was written

The hash of an event is SHA-256 of its JSON with keys sorted, without spaces, in UTF-8; `prev_hash`
in it is the hash of the event before. Signatures are Ed25519 over JSON written the same way.

Exit codes: 0 it holds, 1 it does not, 2 it cannot be checked, 3 it holds by itself, but is signed
by nobody, or with a key that you did not name: by --fingerprint, or by an export that you kept.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

HOLDS, BROKEN, UNUSABLE, FOREIGN = 0, 1, 2, 3
FORMAT = "buildinsights.audit.export.v1"
SIGNED = ("key", "checkpoint", "tombstone")
IN_ZIP = {"trail.jsonl", "keys.json", "README.txt", "verify_trail.py"}
START = "0" * 64
# How the server writes the line of an event: so its bytes can be hashed as they are.
BEFORE_HASH, BEFORE_EVENT = b'{"hash":"', b'","event":'
EVENT_AT = len(BEFORE_HASH) + 64 + len(BEFORE_EVENT)
MOST_LINE = 16 * 1024 * 1024
# Bytes; no server writes a longer line, and a small ZIP can hold one that fills the memory.


class BrokenError(Exception):
    """The trail does not hold; the sentence names the place."""


class UnusableError(Exception):
    """This is nothing that can be checked."""


class ForeignError(Exception):
    """It is not signed, or not with a key that was named."""


def canonical(document: Any) -> bytes:
    """Return the bytes that are hashed and signed."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands there twice")
    return found


DECODER = json.JSONDecoder(object_pairs_hook=_once)  # one for all lines: making it takes longer


def parsed(text: bytes) -> Any:
    """Return the JSON of a line, in which each name stands once: else programs read it apart."""
    return DECODER.decode(text.decode("utf-8", "surrogatepass"))


def plain(text: str) -> str:
    """Return a text without what commands a terminal, or begins a line: names are anybody's."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)


def unpacked(text: str) -> bytes:
    """Return the bytes of base64 in which nothing else stands: it would be passed over."""
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text:
        raise ValueError("it is no base64")
    return data


def is_signed(document: Any, signature: str, public_key: str) -> bool:
    """Tell whether the owner of a key signed a document."""
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        text = "Signatures need the package cryptography: pip install cryptography."
        raise UnusableError(text) from None
    try:
        key = Ed25519PublicKey.from_public_bytes(unpacked(public_key))
        key.verify(unpacked(signature), canonical(document))
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


class Trail:
    """Reads an export line by line, and holds no more than its keys and checkpoints."""

    def __init__(self) -> None:
        self.takers = {
            "event": self.take_rewritten_event,
            "withheld": self.take_withheld,
            "key": self.take_key,
            "checkpoint": lambda row: self.take_signed(self.checkpoints, "checkpoint", row),
            "tombstone": self.take_tombstone,
            "end": self.take_end,
        }
        self.beside = {"event": ("hash",), "withheld": ()}  # what else stands in a line
        self.header: Any = None
        self.keys: dict[str, Any] = {}
        self.checkpoints: list[Any] = []
        self.tombstones: list[Any] = []
        self.end: Any = None
        self.watched: set[int] = set()
        self.sequence, self.hash = 0, START
        self.events = self.withheld = 0
        self.last_time = ""
        self.hashes, self.shown = hashlib.sha256(), hashlib.sha256()
        self.at: dict[int, str] = {}  # hashes of events that checkpoints speak of

    def read(self, lines: Iterable[bytes]) -> None:
        """Follow the chain."""
        for number, line in enumerate(lines, start=1):
            try:
                self.take(line)
            except BrokenError as problem:
                raise BrokenError(f"Line {number}: {problem}") from None
            except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as problem:
                if self.header is None:
                    raise UnusableError("This is no export of an audit trail.") from None
                raise BrokenError(f"Line {number} is not a line of an export: {problem}.") from None
        if self.header is None:
            raise UnusableError("The file is empty.")
        if self.end is None:
            raise BrokenError(
                f"The file is cut off after event {self.sequence}: its end is missing."
                f"{self.newest_says()}"
            )

    def take(self, line: bytes) -> None:
        """Take one line."""
        if self.end is not None:
            raise BrokenError("there is something after the end.")
        line = line.rstrip(b"\r\n")
        if line.startswith(BEFORE_HASH) and line[73:EVENT_AT] == BEFORE_EVENT and line[-1:] == b"}":
            body = line[EVENT_AT:-1]
            self.take_event(parsed(body), line[9:73].decode(), sha256(body))
            return
        row = parsed(line)
        if self.header is None:
            self.take_header(row)
            return
        noun = next((noun for noun in self.takers if noun in row), "")
        if set(row) != {noun, *self.beside.get(noun, ("signature",))}:
            raise BrokenError("nobody knows what this is.")
        if noun in SIGNED and row[noun]["type"] != f"buildinsights.audit.{noun}.v1":
            raise BrokenError(f"this {noun} is something else that was signed.")
        if noun in SIGNED and (self.events or self.withheld):
            raise BrokenError(f"this {noun} stands behind events.")
        self.takers[noun](row)

    def take_header(self, row: Any) -> None:
        if row.get("header", {}).get("format") != FORMAT:
            raise UnusableError("This is no export of an audit trail, or one of a newer version.")
        if set(row) != {"header"}:
            raise BrokenError("something stands beside the header.")
        self.header = row["header"]

    def take_key(self, row: Any) -> None:
        key, signature = row["key"], row["signature"]
        if sha256(unpacked(key["public_key"])) != key["key_id"]:
            raise BrokenError("the key is not what its fingerprint says.")
        if not is_signed(key, signature, key["public_key"]):
            raise BrokenError("the key {} did not sign its own row.".format(key["key_id"]))
        if key["key_id"] in self.keys:
            raise BrokenError("the key {} stands there twice.".format(key["key_id"]))
        self.keys[key["key_id"]] = key

    def take_signed(self, rows: list[Any], noun: str, row: Any) -> None:
        """Take a checkpoint or a tombstone, which must follow the one before."""
        document = row[noun]
        place = "{} {}".format(noun, document["number"])
        key = self.keys.get(document["key_id"])
        if document["chain"] != self.header["chain"]:
            raise BrokenError(f"{place} is of another chain.")
        if key is None:
            raise BrokenError(f"{place} is signed with a key that is not in the file.")
        if not is_signed(document, row["signature"], key["public_key"]):
            raise BrokenError(f"{place} is not what was signed.")
        if document["number"] != len(rows) + 1:
            raise BrokenError(f"{noun} {len(rows) + 1} is missing.")
        if document["previous"] != (sha256(canonical(rows[-1])) if rows else START):
            raise BrokenError(f"{place} does not follow the one before it.")
        rows.append(document)
        self.watched.add(document["sequence"])

    def take_tombstone(self, row: Any) -> None:
        self.take_signed(self.tombstones, "tombstone", row)
        # The chain starts where it was cut last.
        self.sequence, self.hash = row["tombstone"]["sequence"], row["tombstone"]["hash"]

    def take_end(self, row: Any) -> None:
        self.end = (row["end"], row["signature"])

    def take_rewritten_event(self, row: Any) -> None:
        """Take an event of a file that somebody wrote anew: then the JSON is what counts."""
        self.take_event(row["event"], row["hash"], sha256(canonical(row["event"])))

    def take_event(self, event: Any, stated: str, computed: str) -> None:
        expected = self.sequence + 1
        if event["sequence"] != expected:
            found = event["sequence"]
            raise BrokenError(
                f"event {found} stands where event {expected} must be:"
                " events were removed, added or moved."
            )
        if event["chain"] != self.header["chain"]:
            raise BrokenError(f"event {expected} is of another chain.")
        if event["prev_hash"] != self.hash:
            raise BrokenError(f"event {expected} does not follow the event before it.")
        if stated != computed:
            raise BrokenError(f"event {expected} was changed: its content does not match its hash.")
        self.events += 1
        self.last_time = event["occurred_at"]
        self.shown.update(computed.encode())
        self.pass_by(computed)

    def take_withheld(self, row: Any) -> None:
        for stated in row["withheld"]:
            if len(stated) != 64:
                raise BrokenError("this is no hash.")
            self.withheld += 1
            self.pass_by(stated)

    def pass_by(self, digest: str) -> None:
        self.sequence += 1
        self.hash = digest
        self.hashes.update(digest.encode())
        if self.sequence in self.watched:
            self.at[self.sequence] = digest

    def newest_says(self) -> str:
        """Return a sentence about the newest checkpoint."""
        if not self.checkpoints:
            return " There is no checkpoint."
        made_at, sequence = self.checkpoints[-1]["made_at"], self.checkpoints[-1]["sequence"]
        return f" The newest checkpoint, of {made_at}, counts up to event {sequence}."

    def check_end(self) -> None:
        """Compare what was read with what was signed when the file was written."""
        end, signature = self.end
        key = self.keys.get(end["key_id"])
        if (signature or self.checkpoints or self.tombstones) and (
            key is None or not is_signed(end, signature, key["public_key"])
        ):
            raise BrokenError("The end of the file is not what was signed.")
        if canonical(end["header"]) != canonical(self.header):
            raise BrokenError("The end of the file is that of another export.")
        if end["checkpoints"] != len(self.checkpoints):
            raise BrokenError("Checkpoints were removed: there were {}.".format(end["checkpoints"]))
        if (end["sequence"], end["hash"]) != (self.sequence, self.hash):
            signed = end["sequence"]
            raise BrokenError(
                f"The tail is cut off: the file was written up to event {signed}, and ends at"
                f" event {self.sequence}.{self.newest_says()}"
            )
        if end["hashes"] != self.hashes.hexdigest():
            raise BrokenError("Hashes of withheld events, or events before them, were changed.")
        found = (self.events, self.withheld, self.shown.hexdigest())
        if (end["events"], end["withheld"], end["shown"]) != found:
            raise BrokenError("Events were turned into withheld ones, or the other way round.")

    def check_checkpoints(self) -> None:
        """Compare checkpoints with the events that they speak of."""
        cut: Any = self.tombstones[-1] if self.tombstones else {"sequence": 0, "hash": ""}
        at = {**self.at, cut["sequence"]: cut["hash"]}
        for checkpoint in self.checkpoints:
            sequence, made_at = checkpoint["sequence"], checkpoint["made_at"]
            if sequence > self.sequence:
                raise BrokenError(
                    f"The tail is cut off: the checkpoint of {made_at} counts up to event"
                    f" {sequence}, and the file ends at event {self.sequence}."
                )
            if sequence >= cut["sequence"] and at.get(sequence) != checkpoint["hash"]:
                raise BrokenError(
                    f"Event {sequence} is not the one that the checkpoint of {made_at} was signed"
                    " for: the trail was written anew, at that event or before it."
                )

    def check_order_of_keys(self) -> None:
        """See that a key signed nothing after another had followed it: that may be a thief's."""
        order: list[str] = []
        key_id = self.end[0]["key_id"]
        while key_id in self.keys and key_id not in order:
            order.insert(0, key_id)
            key_id = self.keys[key_id]["previous"]
        for other in self.keys:
            if other not in order:
                raise BrokenError(f"The key {other} follows the one that the end is signed with.")
        if key_id:
            raise BrokenError(f"The key {key_id} is missing.")
        for rows in (self.tombstones, self.checkpoints):
            places = [order.index(row["key_id"]) for row in rows]
            if places != sorted(places):
                raise BrokenError("Something is signed with a key that was no longer used.")

    def check_keys(self, fingerprints: Sequence[str]) -> None:
        """Tell whether the key of the end, which vouches for those before it, was named."""
        key_id = self.end[0]["key_id"]
        if not self.end[1]:
            raise ForeignError(
                "Nothing is signed: whoever wrote the file may have made up all of it."
            )
        if not fingerprints:
            raise ForeignError(
                f"It is signed with the key {key_id}: whose that is, you have to know. Name it by"
                " --fingerprint, if you got it by another way."
            )
        if key_id not in [text.lower().replace(":", "") for text in fingerprints]:
            raise ForeignError(f"It is signed with the key {key_id}, which you do not trust.")


def lines_of(path: str) -> Iterable[bytes]:
    """Return the lines of an export, which may be in a ZIP."""
    try:
        with Path(path).open("rb") as file:
            # By how it begins: a ZIP may stand behind lines that other programs show.
            is_zip = file.read(2) == b"PK"
        if not is_zip:
            return bounded(Path(path).open("rb"))
        return bounded(opened(path).open("trail.jsonl"))
    except (OSError, KeyError, zipfile.BadZipFile, RuntimeError) as problem:
        raise UnusableError(f"{path} cannot be read: {problem}.") from None


def opened(path: str) -> zipfile.ZipFile:
    """Return a ZIP that holds what a server puts there, and that alone, packed as it does."""
    # Programs that unpack it put "./trail.jsonl" or "Trail.jsonl" over the one that is checked.
    archive = zipfile.ZipFile(path)
    names = [entry.filename for entry in archive.infolist()]
    packed = {entry.compress_type for entry in archive.infolist()}
    if len(set(names)) < len(names) or {*names} - IN_ZIP or packed - {zipfile.ZIP_DEFLATED}:
        raise UnusableError(f"{path} holds what no server put there.")
    return archive


def bounded(file: Any) -> Iterator[bytes]:
    """Yield the lines of a file, none of which is longer than memory is for."""
    while line := file.readline(MOST_LINE + 1):
        if len(line) > MOST_LINE:
            raise UnusableError("There is a line that is longer than a server writes any.")
        yield line


def earlier_checkpoints(path: str) -> list[Any]:
    """Return the checkpoints in an earlier export, or in a file of checkpoints alone."""
    lines = (line for line in lines_of(path) if line.startswith(b'{"checkpoint"'))
    try:
        found = [dict(parsed(line)["checkpoint"]) for line in lines]
    except (ValueError, TypeError, RecursionError) as problem:
        raise UnusableError(f"A checkpoint in {path} cannot be read: {problem}.") from None
    if not found:
        raise UnusableError(f"There is no checkpoint in {path}.")
    return found


def check(path: str, fingerprints: Sequence[str], earlier: Sequence[str]) -> Trail:
    """Return the trail if it holds."""
    trail = Trail()
    before = [kept for name in earlier for kept in earlier_checkpoints(name)]
    try:
        trail.read(lines_of(path))
        trail.check_checkpoints()
        trail.check_end()
        check_earlier(trail, before)
        if trail.end[1]:
            trail.check_order_of_keys()
        trail.check_keys(fingerprints or [kept["key_id"] for kept in before])
        list(told(trail))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as problem:
        raise BrokenError(f"What is signed is not what a server signs: {problem}.") from None
    return trail


def check_earlier(trail: Trail, before: Sequence[Any]) -> None:
    """See that checkpoints which somebody kept are in the file, as all since the first must be."""
    known = {row["number"]: canonical(row) for row in trail.checkpoints}
    for kept in before:
        number, sequence = kept["number"], kept["sequence"]
        if kept["chain"] != trail.header["chain"]:
            raise UnusableError("An earlier checkpoint is of another chain.")
        if number not in known:
            raise BrokenError(
                f"The tail is cut off: checkpoint {number}, which you kept, counts up to event"
                f" {sequence}, and the file ends at event {trail.sequence}."
            )
        if known[number] != canonical(kept):
            raise BrokenError(
                f"Checkpoint {number}, up to event {sequence}, is not the one that you kept: the"
                " trail was written anew."
            )


def told(trail: Trail) -> Iterator[str]:
    """Return what is to be said of a trail that holds."""
    header, made_at = trail.header, trail.header["made_at"]
    name, first = (
        header["project"] or header["chain"],
        trail.sequence - trail.events - trail.withheld + 1,
    )
    yield f"Holds: {name}, events {first} to {trail.sequence}, written {made_at}."
    yield "{} events are shown, the last of {}.".format(trail.events, trail.last_time or "no time")
    if trail.withheld:
        filters = ", ".join("{}={}".format(*pair) for pair in sorted(header["filters"].items()))
        yield f"{trail.withheld} events are withheld by the filters: {filters}."
    for tombstone in trail.tombstones[-1:]:
        until, made_at = tombstone["sequence"], tombstone["made_at"]
        yield f"Events up to {until} were removed on {made_at}; what is left follows them."
    yield f"{len(trail.checkpoints)} checkpoints.{trail.newest_says()}"
    yield "Signed with the key {}.".format(trail.end[0]["key_id"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Check a file; say what came of it; return the exit code."""
    parser = argparse.ArgumentParser(description="Check an exported audit trail, offline.")
    parser.add_argument("export", help="trail.jsonl, or the ZIP that holds it")
    parser.add_argument("--fingerprint", action="append", default=[], help="of a key to trust")
    parser.add_argument("--earlier", action="append", default=[], help="an export that you kept")
    said = parser.parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        # Names are of any script; what cannot be shown must not look like a trail that is broken.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        trail = check(said.export, said.fingerprint, said.earlier)
    except BrokenError as problem:
        print(plain(f"DOES NOT HOLD. {problem}"))
        return BROKEN
    except ForeignError as problem:
        print(plain(f"NOT TO BE TRUSTED. {problem}"))
        return FOREIGN
    except (UnusableError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as problem:
        print(plain(f"Cannot be checked: {problem}"), file=sys.stderr)
        return UNUSABLE
    for sentence in told(trail):
        print(plain(sentence))
    return HOLDS


if __name__ == "__main__":
    sys.exit(main())
