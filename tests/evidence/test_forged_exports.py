"""Exports made to be believed: real keys, real events and real signatures, put together anew."""

import json
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.test import override_settings

from accounts.models import Project, User
from audit.chain import GENESIS, canonical, event_hash
from audit.checkpoints import signer
from audit.signing import Signer, make_key_file, read_key
from tests.evidence.conftest import exported, verify

pytestmark = pytest.mark.django_db

type Rows = list[dict[str, Any]]


def own() -> Signer:
    key = signer()
    assert key
    return key


def rows_of(export: bytes) -> Rows:
    return [json.loads(line) for line in export.splitlines()]


def write(path: Path, rows: Rows) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def sign(row: dict[str, Any], noun: str, key: Signer, **said: Any) -> None:
    row[noun].update(said, key_id=key.key_id)
    row["signature"] = key.sign(row[noun])


def resigned(rows: Rows, key: Signer) -> Rows:
    """Change event 5, and write anew all that follows from it, as whoever has a key can."""
    previous, hashes = GENESIS, []
    for row in rows:
        if "event" in row:
            row["event"]["prev_hash"] = previous
            row["event"]["actor_name"] = "mallory"
            row["hash"] = previous = event_hash(row["event"])
            hashes.append(previous)
    before = GENESIS
    for row in rows:
        if "checkpoint" in row:
            at = row["checkpoint"]["sequence"]
            sign(row, "checkpoint", key, hash=hashes[at - 1], previous=before)
            before = sha256(canonical(row["checkpoint"])).hexdigest()
    digest = sha256("".join(hashes).encode()).hexdigest()
    sign(rows[-1], "end", key, hash=previous, hashes=digest, shown=digest)
    return rows


def test_a_withheld_event_changes_places_with_a_shown_one(
    trail: Project, alice: User, unpacked: Path
):
    """Who has two exports with different filters has all that is needed."""
    part = rows_of(exported(trail, alice, action="member.added"))
    whole = {row["hash"]: row for row in rows_of(exported(trail, alice)) if "event" in row}
    hashes = [
        each for row in part for each in row.get("withheld", [row["hash"]] if "hash" in row else [])
    ]
    place = next(number for number, row in enumerate(part) if "event" in row)
    hidden = part[place]["hash"]
    body: Rows = [
        {"withheld": [each]} if each == hidden or number != 6 else whole[each]
        for number, each in enumerate(hashes)
    ]
    write(
        unpacked / "part.jsonl",
        [row for row in part if not {"event", "withheld"} & set(row)][:-1] + body + [part[-1]],
    )
    code, said = verify(unpacked, "part.jsonl", "--fingerprint", own().key_id)
    assert (code, "Events were turned into withheld ones" in said) == (1, True), said


class TestKeys:
    @pytest.fixture
    def rotated(self, trail: Project, alice: User, unpacked: Path) -> tuple[Signer, Signer, Path]:
        """The old key, the new one, and an export that is signed with both."""
        make_key_file(unpacked / "new.pem")
        with override_settings(AUDIT_SIGNING_KEY_FILE=str(unpacked / "new.pem")):
            (unpacked / "later.jsonl").write_bytes(exported(trail, alice))
        return own(), read_key(unpacked / "new.pem"), unpacked

    def test_a_key_that_was_rotated_signs_nothing_new(self, rotated):
        """It may be rotated because somebody has it: the new one vouches for what it had signed."""
        old, new, folder = rotated
        assert verify(folder, "later.jsonl", "--fingerprint", new.key_id)[0] == 0
        rows = resigned(rows_of((folder / "later.jsonl").read_bytes()), old)
        write(folder / "forged.jsonl", rows)
        code, said = verify(folder, "forged.jsonl", "--fingerprint", new.key_id)
        assert (code, "follows the one that the end is signed with" in said) == (1, True), said

    def test_an_old_key_after_a_new_one(self, rotated):
        old, new, folder = rotated
        rows = rows_of((folder / "later.jsonl").read_bytes())
        first, second = (row for row in rows if "checkpoint" in row)
        sign(first, "checkpoint", new)
        digest = sha256(canonical(first["checkpoint"])).hexdigest()
        sign(second, "checkpoint", old, previous=digest)
        write(folder / "forged.jsonl", rows)
        code, said = verify(folder, "forged.jsonl", "--fingerprint", new.key_id)
        assert (code, "with a key that was no longer used" in said) == (1, True), said

    def test_a_key_that_nobody_vouches_for(self, unpacked: Path):
        foreign = Signer(Ed25519PrivateKey.generate())
        rows = rows_of((unpacked / "trail.jsonl").read_bytes())
        key = {
            "type": "buildinsights.audit.key.v1",
            "key_id": foreign.key_id,
            "public_key": foreign.public_key,
            "previous": own().key_id,
            "made_at": "2027-01-01T00:00:00+00:00",
        }
        rows.insert(2, {"key": key, "signature": foreign.sign(key)})
        write(unpacked / "trail.jsonl", rows)
        code, said = verify(unpacked, "trail.jsonl", "--fingerprint", own().key_id)
        assert (code, f"key {foreign.key_id} follows" in said) == (1, True), said

    def test_a_key_that_was_taken_out(self, rotated):
        old, new, folder = rotated
        rows = rows_of((folder / "later.jsonl").read_bytes())
        for row in rows:
            if "checkpoint" in row:
                row["checkpoint"]["previous"] = GENESIS
                sign(row, "checkpoint", new, number=1)
        rows = [row for row in rows if row.get("key", {}).get("key_id") != old.key_id]
        del rows[2]
        sign(rows[-1], "end", new, checkpoints=1)
        write(folder / "forged.jsonl", rows)
        code, said = verify(folder, "forged.jsonl", "--fingerprint", new.key_id)
        assert (code, f"key {old.key_id} is missing" in said) == (1, True), said


def test_a_history_that_was_written_anew_and_then_cut(trail: Project, alice: User, unpacked: Path):
    """No event is left that an earlier checkpoint speaks of; so it must be there itself."""
    rows = resigned(rows_of(exported(trail, alice)), own())
    checkpoints = [row for row in rows if "checkpoint" in row]
    cut = checkpoints[-1]["checkpoint"]
    body = {name: cut[name] for name in ("chain", "sequence", "hash", "made_at", "key_id")}
    tombstone: dict[str, Any] = {
        "tombstone": body
        | {"type": "buildinsights.audit.tombstone.v1", "number": 1, "count": cut["sequence"]}
        | {"previous": GENESIS}
    }
    sign(tombstone, "tombstone", own())
    empty = sha256().hexdigest()
    sign(rows[-1], "end", own(), events=0, hashes=empty, shown=empty)
    kept = [row for row in rows if "event" not in row]
    write(unpacked / "forged.jsonl", [*kept[:2], tombstone, *kept[2:]])
    assert verify(unpacked, "forged.jsonl", "--fingerprint", own().key_id)[0] == 0
    code, said = verify(unpacked, "forged.jsonl", "--earlier", "trail.jsonl")
    assert (code, "Checkpoint 1, up to event 13, is not the one that you kept" in said) == (
        1,
        True,
    ), said


def test_a_checkpoint_in_the_place_of_a_tombstone(trail: Project, alice: User, unpacked: Path):
    rows = rows_of(exported(trail, alice))
    place = next(number for number, row in enumerate(rows) if "checkpoint" in row)
    row = rows[place]
    rows.insert(2, {"tombstone": row["checkpoint"], "signature": row["signature"]})
    write(unpacked / "forged.jsonl", rows)
    code, said = verify(unpacked, "forged.jsonl", "--fingerprint", own().key_id)
    assert (code, "this tombstone is something else that was signed" in said) == (1, True), said


def beside_the_header(rows: Rows) -> None:
    rows[0]["note"] = "All events before were approved."


def another_number(rows: Rows) -> None:
    """Python says that 0 is False, and 1.0 is 1; others do not."""
    rows[0]["header"]["filters"] = {"actor": 1}
    sign(rows[-1], "end", own(), header=rows[0]["header"] | {"filters": {"actor": True}})


def in_a_signature(rows: Rows) -> None:
    rows[-1]["signature"] = "approved!" + rows[-1]["signature"]


def behind_events(rows: Rows) -> None:
    place = next(number for number, row in enumerate(rows) if "checkpoint" in row)
    rows.insert(place + 2, rows.pop(place))


@pytest.mark.parametrize(
    "change", [beside_the_header, another_number, in_a_signature, behind_events]
)
def test_more_than_was_written(changed, change: Callable[[Rows], None]):
    code, said = changed(change)
    assert (code, "Traceback" in said) == (1, False), said


class TestArchives:
    def test_lines_before_a_zip(self, unpacked: Path):
        """Who opens the file reads the lines; the verifier must not read what is behind them."""
        forged = (unpacked / "trail.jsonl").read_bytes().replace(b"alice", b"mallory")
        whole = (unpacked.parent / "audit.zip").read_bytes()
        (unpacked / "both.jsonl").write_bytes(forged + whole)
        code, said = verify(unpacked, "both.jsonl", "--fingerprint", own().key_id)
        assert (code, "Line" in said) == (1, True), said

    @pytest.mark.parametrize("name", ["Trail.jsonl", "./trail.jsonl", "x/../trail.jsonl", "more"])
    def test_what_would_lie_over_the_trail(self, unpacked: Path, name: str):
        path = unpacked / "audit.zip"
        path.write_bytes((unpacked.parent / "audit.zip").read_bytes())
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(name, b"forged")
        code, said = verify(unpacked, "audit.zip", "--fingerprint", own().key_id)
        assert (code, "holds what no server put there" in said) == (2, True), said

    def test_a_compression_that_no_server_uses(self, unpacked: Path):
        path = unpacked / "audit.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
            archive.write(unpacked / "trail.jsonl", "trail.jsonl")
        code, said = verify(unpacked, "audit.zip", "--fingerprint", own().key_id)
        assert (code, said.startswith("Cannot be checked")) == (2, True), said
