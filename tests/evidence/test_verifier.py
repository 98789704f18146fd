"""An auditor with nothing but the ZIP finds whatever was done to it."""

import json
import zipfile
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.test import override_settings

from accounts.models import Project, User
from audit.chain import canonical, event_hash
from audit.checkpoints import signer
from audit.models import AuditEvent, SigningKey
from audit.services import chain_name
from audit.signing import Signer, make_key_file, read_key
from tests.audit.test_trail import tamper
from tests.evidence.conftest import exported, verify

pytestmark = pytest.mark.django_db


def events_in(lines: list[Any]) -> list[int]:
    """Where events are."""
    return [number for number, line in enumerate(lines) if "event" in line]


def rehash(lines: list[Any], start: int) -> None:
    """Write the chain anew from an event on, as somebody would who knows how it is made."""
    previous = lines[start - 1].get("hash")
    for line in lines[start:]:
        if "event" in line:
            if previous:
                line["event"]["prev_hash"] = previous
            line["hash"] = previous = event_hash(line["event"])


class TestWhatHolds:
    def test_an_untouched_export(self, unpacked: Path):
        key = signer()
        assert key
        code, said = verify(unpacked, "trail.jsonl", "--fingerprint", key.key_id)
        assert code == 0
        assert "Holds: Shop, events 1 to 13" in said
        assert "13 events are shown" in said
        assert f"Signed with the key {key.key_id}" in said

    def test_the_zip_itself(self, unpacked: Path):
        key = signer()
        assert key
        assert verify(unpacked, "../audit.zip", "--fingerprint", key.key_id)[0] == 0

    def test_an_export_that_was_kept_names_its_key(
        self, trail: Project, alice: User, unpacked: Path
    ):
        (unpacked / "later.jsonl").write_bytes(exported(trail, alice))
        code, said = verify(unpacked, "later.jsonl", "--earlier", "trail.jsonl")
        assert (code, "2 checkpoints" in said) == (0, True)

    def test_the_same_json_written_by_another_tool(self, changed):
        assert changed(lambda lines: None)[0] == 0

    def test_what_is_in_the_zip(self, unpacked: Path):
        names = sorted(path.name for path in unpacked.iterdir())
        assert names == ["README.txt", "keys.json", "trail.jsonl", "verify_trail.py"]
        keys = json.loads((unpacked / "keys.json").read_text())
        assert keys[-1]["public_key_pem"].startswith("-----BEGIN PUBLIC KEY-----")

    def test_a_part_with_the_rest_withheld(self, trail: Project, alice: User, tmp_path: Path):
        (tmp_path / "part.zip").write_bytes(exported(trail, alice, "zip", action="member.added"))
        with zipfile.ZipFile(tmp_path / "part.zip") as file:
            file.extractall(tmp_path)
        key = signer()
        assert key
        code, said = verify(tmp_path, "trail.jsonl", "--fingerprint", key.key_id)
        assert code == 0
        assert "1 events are shown" in said
        assert "12 events are withheld by the filters: action=member.added" in said
        assert "x.done" not in (tmp_path / "trail.jsonl").read_text()


class TestManipulations:
    def test_an_edit(self, changed):
        def edit(lines: list[Any]) -> None:
            lines[events_in(lines)[4]]["event"]["actor_name"] = "mallory"

        code, said = changed(edit)
        assert (code, "event 5 was changed" in said) == (1, True)

    def test_a_deletion(self, changed):
        code, said = changed(lambda lines: lines.pop(events_in(lines)[4]))
        assert code == 1
        assert "event 6 stands where event 5 must be" in said

    def test_an_insertion(self, changed):
        def insert(lines: list[Any]) -> None:
            place = events_in(lines)[4]
            lines.insert(place, json.loads(json.dumps(lines[place])))

        code, said = changed(insert)
        assert code == 1
        assert "event 5 stands where event 6 must be" in said

    def test_a_reordering(self, changed):
        def swap(lines: list[Any]) -> None:
            a, b = events_in(lines)[4:6]
            lines[a], lines[b] = lines[b], lines[a]

        code, said = changed(swap)
        assert (code, "event 6 stands where event 5 must be" in said) == (1, True)

    def test_a_cut_of_the_tail(self, changed):
        def cut(lines: list[Any]) -> None:
            del lines[events_in(lines)[9] :]

        code, said = changed(cut)
        assert code == 1
        assert "cut off after event 9" in said
        assert "counts up to event 13" in said

    def test_a_cut_before_the_end(self, changed):
        def cut(lines: list[Any]) -> None:
            for place in reversed(events_in(lines)[9:]):
                del lines[place]

        code, said = changed(cut)
        assert code == 1
        assert "counts up to event 13, and the file ends at event 9" in said

    def test_an_edit_with_all_hashes_written_anew(self, changed):
        def forge(lines: list[Any]) -> None:
            places = events_in(lines)
            lines[places[4]]["event"]["actor_name"] = "mallory"
            rehash(lines, places[4])

        code, said = changed(forge)
        assert (code, "Event 13 is not the one that the checkpoint" in said) == (1, True)

    def test_a_checkpoint_that_says_something_else(self, changed):
        def forge(lines: list[Any]) -> None:
            next(line for line in lines if "checkpoint" in line)["checkpoint"]["count"] = 9

        code, said = changed(forge)
        assert (code, "checkpoint 1 is not what was signed" in said) == (1, True)

    def test_an_end_that_is_not_signed(self, changed):
        code, said = changed(lambda lines: lines[-1].update(signature=""))
        assert (code, "end of the file is not what was signed" in said) == (1, True)

    def test_nothing_signed_at_all(self, changed):
        def strip(lines: list[Any]) -> None:
            lines[:] = [line for line in lines if "checkpoint" not in line and "key" not in line]
            lines[-1] = {"end": lines[-1]["end"] | {"checkpoints": 0}, "signature": ""}

        code, said = changed(strip)
        assert (code, "Nothing is signed" in said) == (3, True)

    def test_an_edit_of_a_shown_event_beside_withheld_ones(
        self, trail: Project, alice: User, tmp_path: Path, unpacked: Path
    ):
        part = exported(trail, alice, action="member.added")
        lines = [json.loads(line) for line in part.splitlines()]
        (place,) = events_in(lines)
        lines[place]["event"]["actor_name"] = "mallory"
        lines[place]["hash"] = event_hash(lines[place]["event"])
        (unpacked / "part.jsonl").write_text("\n".join(map(json.dumps, lines)))
        code, said = verify(unpacked, "part.jsonl")
        assert (code, "Hashes of withheld events, or events before them" in said) == (1, True)


class TestKeys:
    def test_a_pinned_key_that_is_another(self, unpacked: Path):
        code, said = verify(unpacked, "trail.jsonl", "--fingerprint", "0" * 64)
        assert (code, "which you do not trust" in said) == (3, True)

    def test_an_export_that_somebody_signed_anew(self, unpacked: Path):
        own, ours = Signer(Ed25519PrivateKey.generate()), signer()
        lines = [json.loads(line) for line in (unpacked / "trail.jsonl").read_bytes().splitlines()]
        for line in lines:
            noun = next((name for name in ("key", "checkpoint", "end") if name in line), "")
            if noun:
                line[noun]["key_id"] = own.key_id
                if noun == "key":
                    line[noun]["public_key"] = own.public_key
                line["signature"] = own.sign(line[noun])
        (unpacked / "trail.jsonl").write_text("\n".join(map(json.dumps, lines)))
        assert ours
        code, said = verify(unpacked, "trail.jsonl")
        assert (code, "whose that is, you have to know" in said) == (3, True)
        code, said = verify(unpacked, "trail.jsonl", "--fingerprint", ours.key_id)
        assert (code, own.key_id in said) == (3, True)

    def test_after_a_rotation_the_new_key_vouches_for_the_old(
        self, trail: Project, alice: User, unpacked: Path, tmp_path: Path
    ):
        make_key_file(tmp_path / "new.pem")
        new = read_key(tmp_path / "new.pem")
        with override_settings(AUDIT_SIGNING_KEY_FILE=str(tmp_path / "new.pem")):
            (unpacked / "later.jsonl").write_bytes(exported(trail, alice))
        assert SigningKey.objects.count() == 2
        arguments = ("later.jsonl", "--earlier", "trail.jsonl", "--fingerprint")
        code, said = verify(unpacked, *arguments, new.key_id)
        assert (code, "2 checkpoints" in said) == (0, True)
        old = signer()
        assert old
        assert verify(unpacked, *arguments, old.key_id)[0] == 3


class TestEarlier:
    def test_a_history_written_anew_contradicts_an_earlier_export(
        self, trail: Project, unpacked: Path
    ):
        """Somebody with the key and the database can sign another history: but not this one."""
        key = signer()
        assert key
        lines = [json.loads(line) for line in (unpacked / "trail.jsonl").read_bytes().splitlines()]
        places = events_in(lines)
        lines[places[4]]["event"]["actor_name"] = "mallory"
        rehash(lines, places[4])
        hashes = [lines[place]["hash"] for place in places]
        for line in lines:
            noun = next((name for name in ("checkpoint", "end") if name in line), "")
            if noun:
                line[noun]["hash"] = hashes[-1]
                if noun == "end":
                    digest = sha256("".join(hashes).encode()).hexdigest()
                    line[noun] |= {"hashes": digest, "shown": digest}
                line["signature"] = key.sign(line[noun])
        (unpacked / "forged.jsonl").write_text("\n".join(map(json.dumps, lines)))
        assert verify(unpacked, "forged.jsonl", "--fingerprint", key.key_id)[0] == 0
        code, said = verify(unpacked, "forged.jsonl", "--earlier", "trail.jsonl")
        assert (code, "Checkpoint 1, up to event 13, is not the one that you kept" in said) == (
            1,
            True,
        )

    def test_a_tail_that_an_earlier_export_had(self, trail: Project, alice: User, unpacked: Path):
        (unpacked / "later.jsonl").write_bytes(exported(trail, alice))
        code, said = verify(unpacked, "trail.jsonl", "--earlier", "later.jsonl")
        assert (code, "checkpoint 2, which you kept" in said) == (1, True)
        assert "counts up to event 14, and the file ends at event 13" in said


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        ("UPDATE audit_auditevent SET actor_name = 'mallory' WHERE sequence = 3", "event 3 was"),
        ("DELETE FROM audit_auditevent WHERE sequence = 3", "stands where event 3 must be"),
        ("DELETE FROM audit_auditevent WHERE sequence >= 12", "stands where event 12 must be"),
    ],
)
def test_what_was_done_to_the_database_is_exported_and_found(
    trail: Project, alice: User, unpacked: Path, statement: str, place: str
):
    tamper(statement)
    (unpacked / "later.jsonl").write_bytes(exported(trail, alice))
    code, said = verify(unpacked, "later.jsonl")
    assert (code, place in said) == (1, True), said


@pytest.mark.parametrize("text", ["", "no json", '{"header": {}}\n', "[]\n"])
def test_what_is_no_export_cannot_be_checked(unpacked: Path, text: str):
    (unpacked / "other.jsonl").write_text(text)
    code, said = verify(unpacked, "other.jsonl")
    assert (code, said.startswith("Cannot be checked")) == (2, True)


def test_a_missing_file_cannot_be_checked(unpacked: Path):
    assert verify(unpacked, "nothing.zip")[0] == 2


def test_the_export_holds_the_event_of_itself(trail: Project, alice: User):
    lines = [json.loads(line) for line in exported(trail, alice).splitlines()]
    event = lines[events_in(lines)[-1]]["event"]
    assert event["action"] == "audit.exported"
    assert event["changes"] == {"filters": {}, "format": "jsonl"}


def test_what_the_key_signs_is_what_the_verifier_reads(trail: Project):
    key = signer()
    assert key
    document = {"b": "é", "a": [1, None]}
    assert canonical(document) == '{"a":[1,null],"b":"é"}'.encode()
    assert len(key.sign(document)) == len(b64encode(bytes(64)))
    assert AuditEvent.objects.in_chain(chain_name(trail)).count() == 12
