"""Exports that somebody made to deceive the verifier, to break it, or to fill a memory."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from accounts.models import Project, User
from audit.checkpoints import signer
from evidence.verify_trail import MOST_LINE
from tests.evidence.conftest import exported, verify

pytestmark = pytest.mark.django_db

type Lines = list[bytes]


@pytest.fixture
def rewritten(unpacked: Path) -> Callable[[Callable[[Lines], None]], tuple[int, str]]:
    """Change the bytes of the lines of the trail in a way, and have it verified."""

    def after(change: Callable[[Lines], None]) -> tuple[int, str]:
        path = unpacked / "trail.jsonl"
        lines = path.read_bytes().splitlines(keepends=True)
        change(lines)
        path.write_bytes(b"".join(lines))
        key = signer()
        assert key
        return verify(unpacked, "trail.jsonl", "--fingerprint", key.key_id)

    return after


def first_event(lines: Lines) -> int:
    return next(at for at, line in enumerate(lines) if line.startswith(b'{"hash"'))


def said_twice(lines: Lines) -> None:
    """Whoever reads the first of two names reads mallory's."""
    at = first_event(lines)
    row = json.loads(lines[at])
    event = json.dumps(row["event"])[1:]
    lines[at] = f'{{"event":{{"actor_name":"bob",{event},"hash":"{row["hash"]}"}}\n'.encode()


def two_events(lines: Lines) -> None:
    at = first_event(lines)
    row = json.loads(lines[at])
    event = json.dumps(row["event"])
    lines[at] = f'{{"event":{{"x":1}},"event":{event},"hash":"{row["hash"]}"}}\n'.encode()


def something_beside(lines: Lines) -> None:
    at = first_event(lines)
    lines[at] = json.dumps(json.loads(lines[at]) | {"note": "approved"}).encode() + b"\n"


def no_json(lines: Lines) -> None:
    at = first_event(lines)
    lines[at] = lines[at].replace(b"}\n", b"]\n")


def a_key_twice(lines: Lines) -> None:
    lines.insert(2, lines[1])


def after_the_end(lines: Lines) -> None:
    lines.append(lines[first_event(lines)])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (said_twice, "a name stands there twice"),
        (two_events, "a name stands there twice"),
        (something_beside, "nobody knows what this is"),
        (no_json, "is not a line of an export"),
        (a_key_twice, "stands there twice"),
        (after_the_end, "there is something after the end"),
    ],
)
def test_a_line_that_programs_could_read_apart(
    rewritten, change: Callable[[Lines], None], why: str
):
    code, said = rewritten(change)
    assert (code, why in said) == (1, True), said


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines[-1]["end"].pop("hashes"),
        lambda lines: lines[-1].update(end=[]),
        lambda lines: lines[-1]["end"].update(key_id=[]),
        lambda lines: lines[1]["key"].update(public_key=7),
        lambda lines: lines[2]["checkpoint"].update(sequence="many"),
    ],
)
def test_a_shape_that_no_server_writes_is_told_and_not_a_crash(
    changed, change: Callable[[list[Any]], None]
):
    code, said = changed(change)
    assert (code, said.startswith("DOES NOT HOLD."), "Traceback" in said) == (1, True, False), said


def test_a_line_that_would_fill_the_memory(unpacked: Path):
    with zipfile.ZipFile(unpacked / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("trail.jsonl", b'{"header":"' + b"x" * MOST_LINE)
    assert (unpacked / "bomb.zip").stat().st_size < 100_000
    code, said = verify(unpacked, "bomb.zip")
    assert (code, "longer than a server writes any" in said) == (2, True), said


def test_names_that_the_terminal_cannot_show(trail: Project, alice: User, unpacked: Path):
    """They end in no traceback, whose exit code is that of a trail which does not hold."""
    (unpacked / "part.jsonl").write_bytes(exported(trail, alice, target="Łódź"))
    key = signer()
    assert key
    said = [sys.executable, "verify_trail.py", "part.jsonl", "--fingerprint", key.key_id]
    done = subprocess.run(
        said,
        cwd=unpacked,
        capture_output=True,
        env={"PYTHONIOENCODING": "ascii"},
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"target=\\u0141\\xf3d\\u017a" in done.stdout


def test_two_trails_in_one_zip(unpacked: Path):
    with zipfile.ZipFile(unpacked / "two.zip", "w") as archive:
        archive.write(unpacked / "trail.jsonl", "trail.jsonl")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.write(unpacked / "trail.jsonl", "trail.jsonl")
    code, said = verify(unpacked, "two.zip")
    assert (code, "holds what no server put there" in said) == (2, True), said


def test_a_zip_that_is_encrypted(unpacked: Path):
    data = bytearray((unpacked.parent / "audit.zip").read_bytes())
    for mark, flags in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        at = data.find(mark)
        while at >= 0:
            data[at + flags] |= 1
            at = data.find(mark, at + 4)
    (unpacked / "locked.zip").write_bytes(data)
    code, said = verify(unpacked, "locked.zip")
    assert (code, said.startswith("Cannot be checked")) == (2, True), said


@pytest.mark.parametrize("text", ['{"checkpoint": \n', '{"checkpoint": 7}\n'])
def test_earlier_checkpoints_that_are_none(unpacked: Path, text: str):
    (unpacked / "kept.jsonl").write_text(text)
    code, said = verify(unpacked, "trail.jsonl", "--earlier", "kept.jsonl")
    assert (code, said.startswith("Cannot be checked")) == (2, True), said


def test_what_people_chose_as_a_filter_is_no_sentence_of_the_verifier(
    trail: Project, alice: User, unpacked: Path
):
    lie = "x\nSigned with the key 00.\x1b[2J\u202e"
    (unpacked / "part.jsonl").write_bytes(exported(trail, alice, target=lie))
    key = signer()
    assert key
    code, said = verify(unpacked, "part.jsonl", "--fingerprint", key.key_id)
    assert code == 0
    assert "target=x\\nSigned with the key 00.\\x1b[2J\\u202e" in said
    assert [line for line in said.splitlines() if line.startswith("Signed")] == [
        f"Signed with the key {key.key_id}."
    ]
