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

Exit codes: 0 it holds, 1 it does not, 2 it cannot be checked, 3 it holds by itself, but is signed by
nobody, or with a key that you did not name.
"""

import argparse
import base64
import hashlib
import io
import json
import sys
import zipfile
import zlib

HOLDS, BROKEN, UNUSABLE, FOREIGN = 0, 1, 2, 3
FORMAT = "buildinsights.audit.export.v1"
START = "0" * 64
# How the server writes the line of an event: so its bytes can be hashed as they are.
BEFORE_HASH, BEFORE_EVENT = b'{"hash":"', b'","event":'
EVENT_AT = len(BEFORE_HASH) + 64 + len(BEFORE_EVENT)


class Broken(Exception):
    """The trail does not hold; the sentence names the place."""


class Unusable(Exception):
    """This is nothing that can be checked."""


class Foreign(Exception):
    """It is not signed, or not with a key that was named."""


def canonical(document):
    """Return the bytes that are hashed and signed."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass")


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def is_signed(document, signature, public_key):
    """Tell whether the owner of a key signed a document."""
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        raise Unusable("Signatures need the package cryptography: pip install cryptography.")
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key))
        key.verify(base64.b64decode(signature), canonical(document))
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


class Trail:
    """Reads an export line by line, and holds no more than its keys and checkpoints."""

    def __init__(self):
        self.header = None
        self.keys, self.checkpoints, self.tombstones = {}, [], []
        self.end = None
        self.sequence, self.hash = 0, START
        self.events = self.withheld = 0
        self.last_time = ""
        self.hashes = hashlib.sha256()
        self.at = {}  # the hashes of events that checkpoints speak of, by their numbers

    def read(self, lines, watched=()):
        """Follow the chain; `watched` are numbers of events whose hashes are wanted."""
        self.watched = set(watched)
        for number, line in enumerate(lines, start=1):
            try:
                self.take(line)
            except Broken as problem:
                raise Broken("Line %d: %s" % (number, problem)) from None
            except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as problem:
                if self.header is None:
                    raise Unusable("This is no export of an audit trail.") from None
                raise Broken(
                    "Line %d is not a line of an export: %r." % (number, problem)
                ) from None
        if self.header is None:
            raise Unusable("The file is empty.")
        if self.end is None:
            raise Broken(
                "The file is cut off after event %d: its end is missing.%s"
                % (self.sequence, self.newest_says())
            )

    def take(self, line):
        """Take one line."""
        if line.startswith(BEFORE_HASH) and line[73:EVENT_AT] == BEFORE_EVENT:
            body = line.rstrip(b"\r\n")[EVENT_AT:-1]
            self.take_event(json.loads(body), line[9:73].decode(), sha256(body))
            return
        row = json.loads(line)
        if self.header is None:
            self.take_header(row)
        elif self.end is not None:
            raise Broken("There is something after the end.")
        elif "event" in row:  # somebody wrote the file anew: then the JSON is what counts
            self.take_event(row["event"], row["hash"], sha256(canonical(row["event"])))
        elif "withheld" in row:
            self.take_withheld(row["withheld"])
        elif "key" in row:
            self.take_key(row["key"], row["signature"])
        elif "checkpoint" in row:
            self.take_signed(self.checkpoints, "checkpoint", row)
        elif "tombstone" in row:
            self.take_signed(self.tombstones, "tombstone", row)
        elif "end" in row:
            self.end = (row["end"], row["signature"])
        else:
            raise Broken("nobody knows what this is.")

    def take_header(self, row):
        if row.get("header", {}).get("format") != FORMAT:
            raise Unusable("This is no export of an audit trail, or one of a newer version.")
        self.header = row["header"]

    def take_key(self, key, signature):
        if sha256(base64.b64decode(key["public_key"])) != key["key_id"]:
            raise Broken("the key is not what its fingerprint says.")
        if not is_signed(key, signature, key["public_key"]):
            raise Broken("the key %s did not sign its own row." % key["key_id"])
        self.keys[key["key_id"]] = key

    def take_signed(self, rows, noun, row):
        """Take a checkpoint or a tombstone, which must follow the one before."""
        document = row[noun]
        place = "%s %s" % (noun, document["number"])
        key = self.keys.get(document["key_id"])
        if document["chain"] != self.header["chain"]:
            raise Broken("%s is of another chain." % place)
        if key is None:
            raise Broken("%s is signed with a key that is not in the file." % place)
        if not is_signed(document, row["signature"], key["public_key"]):
            raise Broken("%s is not what was signed." % place)
        if document["number"] != len(rows) + 1:
            raise Broken("%s %d is missing." % (noun, len(rows) + 1))
        if document["previous"] != (sha256(canonical(rows[-1])) if rows else START):
            raise Broken("%s does not follow the one before it." % place)
        rows.append(document)
        self.watched.add(document["sequence"])
        if noun == "tombstone":  # the chain starts where it was cut last
            self.sequence, self.hash = document["sequence"], document["hash"]

    def take_event(self, event, stated, computed):
        expected = self.sequence + 1
        if event["sequence"] != expected:
            raise Broken(
                "event %s stands where event %d must be: events were removed, added or moved."
                % (event["sequence"], expected)
            )
        if event["chain"] != self.header["chain"]:
            raise Broken("event %d is of another chain." % expected)
        if event["prev_hash"] != self.hash:
            raise Broken("event %d does not follow the event before it." % expected)
        if stated != computed:
            raise Broken("event %d was changed: its content does not match its hash." % expected)
        self.events += 1
        self.last_time = event["occurred_at"]
        self.pass_by(computed)

    def take_withheld(self, hashes):
        for stated in hashes:
            if len(stated) != 64:
                raise Broken("this is no hash.")
            self.withheld += 1
            self.pass_by(stated)

    def pass_by(self, digest):
        self.sequence += 1
        self.hash = digest
        self.hashes.update(digest.encode())
        if self.sequence in self.watched:
            self.at[self.sequence] = digest

    def newest_says(self):
        """Return a sentence about the newest checkpoint."""
        if not self.checkpoints:
            return " There is no checkpoint."
        newest = self.checkpoints[-1]
        return " The newest checkpoint, of %s, counts up to event %d." % (
            newest["made_at"],
            newest["sequence"],
        )

    def check_end(self):
        """Compare what was read with what was signed when the file was written."""
        end, signature = self.end
        key = self.keys.get(end["key_id"])
        if (signature or self.checkpoints or self.tombstones) and (
            key is None or not is_signed(end, signature, key["public_key"])
        ):
            raise Broken("The end of the file is not what was signed.")
        if end["header"] != self.header:
            raise Broken("The end of the file is that of another export.")
        if end["checkpoints"] != len(self.checkpoints):
            raise Broken("Checkpoints were removed: there were %d." % end["checkpoints"])
        if (end["sequence"], end["hash"]) != (self.sequence, self.hash):
            raise Broken(
                "The tail is cut off: the file was written up to event %d, and ends at event %d.%s"
                % (end["sequence"], self.sequence, self.newest_says())
            )
        if end["hashes"] != self.hashes.hexdigest():
            raise Broken("Hashes of withheld events, or events before them, were changed.")
        if (end["events"], end["withheld"]) != (self.events, self.withheld):
            raise Broken("Events were turned into withheld ones, or the other way round.")

    def check_checkpoints(self, checkpoints, whose):
        """Compare signed checkpoints with the events that they speak of."""
        first = self.tombstones[-1]["sequence"] if self.tombstones else 0
        for checkpoint in checkpoints:
            sequence = checkpoint["sequence"]
            if sequence > self.sequence:
                raise Broken(
                    "The tail is cut off: %s checkpoint of %s counts up to event %d, and the file"
                    " ends at event %d." % (whose, checkpoint["made_at"], sequence, self.sequence)
                )
            if sequence > first and self.at.get(sequence) != checkpoint["hash"]:
                raise Broken(
                    "Event %d is not the one that %s checkpoint of %s was signed for: the trail was"
                    " written anew, at that event or before it."
                    % (sequence, whose, checkpoint["made_at"])
                )
            if sequence == first and first and self.tombstones[-1]["hash"] != checkpoint["hash"]:
                raise Broken("The tombstone is not what %s checkpoint says." % whose)

    def signers(self):
        """Return all keys that something in the file is signed with, the newest last."""
        rows = self.tombstones + self.checkpoints + ([self.end[0]] if self.end[1] else [])
        rows.sort(key=lambda row: row["made_at"])
        return [row["key_id"] for row in rows]

    def vouched_for(self, key_ids):
        """Return these keys and those before them, by their own word."""
        known = set()
        for key_id in key_ids:
            while key_id in self.keys and key_id not in known:
                known.add(key_id)
                key_id = self.keys[key_id]["previous"]
        return known

    def check_keys(self, fingerprints):
        """Tell whether all signatures are of keys that were named, or lead back from these."""
        used = self.signers()
        if not used:
            raise Foreign("Nothing is signed: whoever wrote the file may have made up all of it.")
        named = [text.lower().replace(":", "") for text in fingerprints]
        trusted = self.vouched_for(named or used[-1:])
        for key_id in used:
            if key_id not in trusted:
                raise Foreign("It is signed with the key %s, which you do not trust." % key_id)


def lines_of(path):
    """Return the lines of an export, which may be in a ZIP."""
    try:
        if not zipfile.is_zipfile(path):
            return open(path, "rb")
        return io.BufferedReader(zipfile.ZipFile(path).open("trail.jsonl"), 1 << 20)
    except (OSError, KeyError, zipfile.BadZipFile) as problem:
        raise Unusable("%s cannot be read: %s." % (path, problem))


def earlier_checkpoints(path):
    """Return the checkpoints in an earlier export, or in a file of checkpoints alone."""
    found = []
    for line in lines_of(path):
        if line.startswith(b'{"checkpoint"'):
            found.append(json.loads(line))
    if not found:
        raise Unusable("There is no checkpoint in %s." % path)
    return found


def check(path, fingerprints, earlier):
    """Return the trail if it holds."""
    trail = Trail()
    before = [row for name in earlier for row in earlier_checkpoints(name)]
    trail.read(lines_of(path), [row["checkpoint"]["sequence"] for row in before])
    trail.check_checkpoints(trail.checkpoints, "the")
    trail.check_end()
    for row in before:
        if row["checkpoint"]["chain"] != trail.header["chain"]:
            raise Unusable("An earlier checkpoint is of another chain.")
        key = trail.keys.get(row["checkpoint"]["key_id"])
        if key is None or not is_signed(row["checkpoint"], row["signature"], key["public_key"]):
            raise Broken("An earlier checkpoint is signed with a key that this file does not have.")
    trail.check_checkpoints([row["checkpoint"] for row in before], "an earlier")
    trail.check_keys(fingerprints)
    return trail


def told(trail, fingerprints):
    """Return what is to be said of a trail that holds."""
    header = trail.header
    yield "Holds: %s, events %d to %d, written %s." % (
        header["project"] or header["chain"],
        trail.sequence - trail.events - trail.withheld + 1,
        trail.sequence,
        header["made_at"],
    )
    yield "%d events are shown, the last of %s." % (trail.events, trail.last_time or "no time")
    if trail.withheld:
        filters = ", ".join("%s=%s" % pair for pair in sorted(header["filters"].items()))
        yield "%d events are withheld by the filters: %s." % (trail.withheld, filters)
    for tombstone in trail.tombstones[-1:]:
        yield "Events up to %d were removed on %s; what is left follows them." % (
            tombstone["sequence"],
            tombstone["made_at"],
        )
    yield "%d checkpoints.%s" % (len(trail.checkpoints), trail.newest_says())
    yield "Signed with the key %s." % trail.signers()[-1]
    if not fingerprints:
        yield "Compare that with the fingerprint that you were given by another way (--fingerprint)."


def main(arguments=None):
    """Check a file; say what came of it; return the exit code."""
    parser = argparse.ArgumentParser(description="Check an exported audit trail, offline.")
    parser.add_argument("export", help="trail.jsonl, or the ZIP that holds it")
    parser.add_argument(
        "--fingerprint", action="append", default=[], help="of a key to trust; others are foreign"
    )
    parser.add_argument(
        "--earlier", action="append", default=[], help="an earlier export, or its checkpoints"
    )
    said = parser.parse_args(arguments)
    try:
        trail = check(said.export, said.fingerprint, said.earlier)
    except Broken as problem:
        print("DOES NOT HOLD. %s" % problem)
        return BROKEN
    except Foreign as problem:
        print("NOT TO BE TRUSTED. %s" % problem)
        return FOREIGN
    except (Unusable, OSError, zipfile.BadZipFile, zlib.error) as problem:
        print("Cannot be checked: %s" % problem, file=sys.stderr)
        return UNUSABLE
    for sentence in told(trail, said.fingerprint):
        print(sentence)
    return HOLDS


if __name__ == "__main__":
    sys.exit(main())
