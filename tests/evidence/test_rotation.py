"""The key is changed, as docs/operations.md tells it, or with a process that was forgotten."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest
from django.core.management import call_command
from django.test import override_settings
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Scope
from audit import checkpoints
from audit.chain import Break
from audit.checkpoints import make_checkpoint, signer, use
from audit.models import AuditEvent, Checkpoint, SigningKey
from audit.services import chain_name
from audit.signing import Signer, SigningKeyError, make_key_file, read_key
from audit.tasks import sign_checkpoints
from audit.verification import verify_chain
from evidence.exports.proof import proof_of
from evidence.exports.selection import begin_export
from evidence.filters import TrailFilter
from tests.audit.racing import PATIENCE_SECONDS, another_process
from tests.audit.test_proofs import act
from tests.evidence.conftest import exported, verify


@pytest.fixture
def new(tmp_path: Path) -> Path:
    """The file of a key that nobody has used."""
    path = tmp_path / "new.pem"
    make_key_file(path)
    return path


def named(path: Path) -> override_settings:
    """Be a process that was started with another key."""
    return override_settings(AUDIT_SIGNING_KEY_FILE=str(path))


def holds(folder: Path, export: bytes, key: Signer, *arguments: str) -> tuple[int, str]:
    (folder / "later.jsonl").write_bytes(export)
    return verify(folder, "later.jsonl", "--fingerprint", key.key_id, *arguments)


@pytest.mark.django_db
def test_as_it_is_told(
    trail: Project, alice: User, unpacked: Path, tmp_path: Path, settings, capsys
):
    chain, old = chain_name(trail), Path(settings.AUDIT_SIGNING_KEY_FILE)
    before = read_key(old)
    # 1. Another file.
    path = tmp_path / "audit-2.pem"
    call_command("make_audit_key", str(path))
    fingerprint = capsys.readouterr().out.split()[-1]
    # 2. Everything is stopped, and started with it.
    settings.AUDIT_SIGNING_KEY_FILE = str(path)
    # 3. An export, at which the new key vouches for the one before.
    export = exported(trail, alice)
    assert SigningKey.objects.get(pk=fingerprint).previous == before.key_id
    # 4. The proof.
    call_command("verify_audit")
    assert f"{chain}: 14 events, unbroken, signed up to 14" in capsys.readouterr().out
    code, said = holds(unpacked, export, read_key(path), "--earlier", "trail.jsonl")
    assert (code, "2 checkpoints" in said) == (0, True), said


@pytest.mark.django_db
class TestForgotten:
    """The worker was not started again, and has the old key."""

    def test_it_signs_nothing_and_later_exports_hold(
        self, trail: Project, alice: User, unpacked: Path, new: Path
    ):
        with named(new):
            exported(trail, alice)
        act(trail)
        sign_checkpoints()
        with pytest.raises(SigningKeyError):
            exported(trail, alice)
        with named(new):
            export = exported(trail, alice)
            assert verify_chain(chain_name(trail)) is None
        assert Checkpoint.objects.filter(chain=chain_name(trail)).count() == 3
        code, said = holds(unpacked, export, read_key(new), "--earlier", "trail.jsonl")
        assert (code, "3 checkpoints" in said) == (0, True), said

    def test_who_asks_it_for_an_export_is_told(
        self,
        trail: Project,
        alice: User,
        unpacked: Path,
        new: Path,
        api_of: Callable[..., APIClient],
    ):
        with named(new):
            exported(trail, alice)
        noted = AuditEvent.objects.filter(action="audit.exported").count()
        answer = api_of(Scope.AUDIT_READ).get("/api/v1/audit/export/")
        (error,) = answer.data["errors"]
        assert (answer.status_code, error["code"]) == (409, "no_signing_key")
        assert AuditEvent.objects.filter(action="audit.exported").count() == noted
        assert "was replaced by a newer one" in error["detail"]

    def test_a_checkpoint_of_the_new_key_does_not_end_with_the_old_one(
        self, trail: Project, alice: User, new: Path, monkeypatch: pytest.MonkeyPatch
    ):
        """Others sign for the same event while the export that has the old key begins."""

        def others_are_faster(*_: object) -> None:
            monkeypatch.undo()
            with named(new):
                make_checkpoint(chain_name(trail))

        monkeypatch.setattr(checkpoints, "_prove", others_are_faster)
        with pytest.raises(SigningKeyError):
            exported(trail, alice)
        assert [row.key_id for row in Checkpoint.objects.all()] == [read_key(new).key_id]

    def test_server_and_verifier_agree_on_what_it_signed_nevertheless(
        self,
        trail: Project,
        alice: User,
        unpacked: Path,
        new: Path,
        monkeypatch: pytest.MonkeyPatch,
    ):
        with named(new):
            exported(trail, alice)
        act(trail)
        with monkeypatch.context() as patch:
            patch.setattr(checkpoints, "use", lambda key: None)
            make_checkpoint(chain_name(trail))
        with named(new):
            export = exported(trail, alice)
            found = verify_chain(chain_name(trail))
        code, said = holds(unpacked, export, read_key(new))
        assert (code, "with a key that was no longer used" in said) == (1, True), said
        reason = "checkpoint 3 is signed by a replaced key"
        assert found == Break(chain_name(trail), 15, reason)


@pytest.mark.django_db
def test_an_export_under_way_holds_with_the_key_that_it_began_with(
    trail: Project, alice: User, unpacked: Path, new: Path
):
    events = AuditEvent.objects.in_chain(chain_name(trail))
    begun = begin_export(
        project=trail, filters=TrailFilter({}, queryset=events), actor=alice, form="jsonl"
    )
    use(read_key(new))
    key = signer()
    assert key
    code, said = holds(unpacked, b"".join(proof_of(begun)), key)
    assert (code, "2 checkpoints" in said) == (0, True), said


@pytest.mark.django_db
def test_a_clock_that_was_ahead_once(
    trail: Project, alice: User, unpacked: Path, tmp_path: Path, time_machine
):
    now, paths = timezone.now(), [tmp_path / f"{number}.pem" for number in range(3)]
    for path, days in zip(paths, (365, 1, 2), strict=True):
        make_key_file(path)
        time_machine.move_to(now + timedelta(days=days))
        with named(path):
            export = exported(trail, alice)
            assert verify_chain(chain_name(trail)) is None
    code, said = holds(unpacked, export, read_key(paths[-1]), "--earlier", "trail.jsonl")
    assert (code, "4 checkpoints" in said) == (0, True), said
    told = [json.loads(line).get("key", {}).get("key_id") for line in export.splitlines()[2:5]]
    assert told == [read_key(path).key_id for path in paths]


@pytest.mark.django_db(transaction=True)
def test_a_key_that_is_replaced_while_it_signs(
    trail: Project, alice: User, unpacked: Path, new: Path, monkeypatch: pytest.MonkeyPatch
):
    """It has looked, and not yet signed, when the new one is used: its word still comes first."""
    act(trail)
    old, chain = signer(), chain_name(trail)
    assert old
    known, has_looked, may_sign = checkpoints.use, Event(), Event()
    inside = checkpoints._sign_checkpoint

    def slowly(*arguments: object) -> Checkpoint:
        def look(key: Signer) -> None:
            known(key)
            has_looked.set()
            may_sign.wait(PATIENCE_SECONDS)

        monkeypatch.setattr(checkpoints, "use", look)
        return inside(*arguments)

    monkeypatch.setattr(checkpoints, "_sign_checkpoint", slowly)
    with another_process() as begin:
        signing = begin(lambda: make_checkpoint(chain))
        assert has_looked.wait(PATIENCE_SECONDS)
        monkeypatch.undo()
        known(read_key(new))
        may_sign.set()
        signing.result()
    with named(new):
        export = exported(trail, alice)
        assert verify_chain(chain) is None
    by = Checkpoint.objects.in_chain(chain).values_list("key_id", flat=True)
    assert list(by) == [old.key_id, old.key_id, read_key(new).key_id]
    code, said = holds(unpacked, export, read_key(new), "--earlier", "trail.jsonl")
    assert (code, "3 checkpoints" in said) == (0, True), said
