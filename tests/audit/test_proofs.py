"""Signed checkpoints, what they prove, and cuts that leave a chain that still proves itself."""

import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Project
from audit import retention, verification
from audit.appending import append_pending
from audit.chain import Break, Link, storable
from audit.checkpoints import BrokenChainError, make_checkpoint, signer
from audit.models import AuditChain, AuditEvent, Checkpoint, Noted, SigningKey, Tombstone
from audit.retention import cut_expired
from audit.services import SYSTEM, chain_name, record, record_once_a_day, record_soon
from audit.signing import SigningKeyError, is_signed, make_key_file, read_key
from audit.tasks import cut
from audit.verification import verify_chain
from tests.audit.racing import another_process, until_one_waits
from tests.audit.test_trail import tamper


def act(project: Project, count: int = 1) -> None:
    with transaction.atomic():
        for number in range(count):
            record(
                actor=SYSTEM,
                action="x.done",
                target=project,
                project=project,
                changes={"n": number},
            )


@pytest.fixture
def chain(project: Project) -> str:
    """The name of the project's chain, of two events."""
    return chain_name(project)


@pytest.mark.django_db
class TestAppending:
    def test_noted_acts_are_appended_in_their_order(self, project: Project, chain: str):
        for number in range(3):
            record_soon(
                actor=SYSTEM,
                action="x.done",
                target=project,
                project=project,
                changes={"n": number},
            )
        assert AuditEvent.objects.in_chain(chain).count() == 2
        assert append_pending() == 3
        assert append_pending() == 0
        events = AuditEvent.objects.in_chain(chain)
        assert [event.changes.get("n") for event in events] == [None, None, 0, 1, 2]
        assert verify_chain(chain) is None

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE audit_pendingevent SET actor_name = 'mallory'",
            "DELETE FROM audit_pendingevent",
        ],
    )
    def test_what_waits_can_neither_be_changed_nor_lost(self, project: Project, statement: str):
        record_soon(actor=SYSTEM, action="x.done", target=project, project=project)
        with (
            pytest.raises(DatabaseError, match=r"append-only|Cannot update"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
        assert append_pending() == 1
        assert append_pending() == 0

    def test_once_a_day(self, project: Project, chain: str):
        noted = [
            record_once_a_day(actor=SYSTEM, action=action, target=project, project=project)
            for action in ("x.seen", "x.seen", "y.seen")
        ]
        assert noted == [True, False, True]
        assert append_pending() == 2

    def test_what_the_database_would_change_is_changed_before(self, project: Project, chain: str):
        hard = {"a": 1e300, "b": -0.0, "c": "\0\ud800", "d": float("nan"), "e": {1: {2}}, "f": 1e-9}
        with transaction.atomic():
            record(actor=SYSTEM, action="x.done", target=project, project=project, changes=hard)
        assert verify_chain(chain) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(json_values)
def test_what_is_storable_stays_as_it_is(value):
    once = storable(value)
    assert storable(once) == once


@pytest.mark.django_db(transaction=True)
def test_both_ways_of_appending_at_once_make_one_chain(project: Project):
    def at_once() -> None:
        act(project)
        record_soon(actor=SYSTEM, action="x.noted", target=project, project=project)
        append_pending()
        connection.close()

    threads = [Thread(target=at_once) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    append_pending()
    events = AuditEvent.objects.in_chain(chain_name(project))
    assert [event.sequence for event in events] == list(range(1, 15))
    assert verify_chain(chain_name(project)) is None


@pytest.mark.django_db
class TestCheckpoints:
    def test_it_says_where_the_chain_stands(self, project: Project, chain: str):
        made = make_checkpoint(chain)
        key = signer()
        assert made
        assert key
        last = AuditEvent.objects.in_chain(chain).last()
        assert last
        assert (made.number, made.sequence, made.hash, made.count) == (1, 2, last.hash, 2)
        assert is_signed(made.document(), made.signature, key.public_key)
        assert SigningKey.objects.get().key_id == key.key_id

    def test_it_is_made_once_and_follows_the_one_before(self, project: Project, chain: str):
        first = make_checkpoint(chain)
        assert make_checkpoint(chain) == first
        act(project)
        second = make_checkpoint(chain)
        assert second
        assert (second.number, second.sequence) == (2, 3)
        assert verify_chain(chain) is None

    def test_a_forgery_is_not_signed(self, project: Project, chain: str):
        tamper("UPDATE audit_auditevent SET actor_name = 'mallory' WHERE sequence = 2")
        with pytest.raises(BrokenChainError, match="at event 2"):
            make_checkpoint(chain)

    def test_without_a_key_there_is_none(self, project: Project, chain: str, settings):
        settings.AUDIT_SIGNING_KEY_FILE = ""
        assert make_checkpoint(chain) is None

    @pytest.mark.parametrize("table", ["audit_checkpoint", "audit_signingkey", "audit_tombstone"])
    def test_the_database_refuses_changes(self, chain: str, table: str):
        make_checkpoint(chain)
        Tombstone.objects.create(
            chain="other", number=1, sequence=1, count=1, made_at=datetime.now(UTC)
        )
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            for statement in ("UPDATE {} SET made_at = now()", "DELETE FROM {}"):
                with pytest.raises(DatabaseError), transaction.atomic():
                    cursor.execute(statement.format(table))

    def test_a_new_key_vouches_for_the_one_before(
        self, project: Project, chain: str, settings, tmp_path: Path
    ):
        make_checkpoint(chain)
        old = SigningKey.objects.get()
        make_key_file(tmp_path / "new.pem")
        settings.AUDIT_SIGNING_KEY_FILE = str(tmp_path / "new.pem")
        act(project)
        make_checkpoint(chain)
        new = SigningKey.objects.exclude(pk=old.pk).get()
        assert new.previous == old.key_id
        assert verify_chain(chain) is None

    def test_a_key_that_nobody_vouches_for_is_found(
        self, project: Project, chain: str, settings, tmp_path: Path
    ):
        """Somebody with the database alone brings a key of their own."""
        ours = settings.AUDIT_SIGNING_KEY_FILE
        make_checkpoint(chain)
        make_key_file(tmp_path / "own.pem")
        settings.AUDIT_SIGNING_KEY_FILE = str(tmp_path / "own.pem")
        act(project)
        make_checkpoint(chain)
        settings.AUDIT_SIGNING_KEY_FILE = ours
        assert verify_chain(chain) == Break(chain, 3, "checkpoint 2 is signed by a foreign key")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("statement", "sequence", "reason"),
    [
        ("UPDATE audit_auditevent SET ip = '192.0.2.1' WHERE sequence = 3", 3, "does not match"),
        ("DELETE FROM audit_auditevent WHERE sequence >= 4", 4, "had 5 events"),
        (
            "DELETE FROM audit_auditevent WHERE sequence = 5;"
            "UPDATE audit_auditchain SET sequence = 4",
            5,
            "had 5 events",
        ),
        ("UPDATE audit_auditchain SET hash = repeat('0', 64)", 5, "chain's head names"),
        ("DELETE FROM audit_auditchain", 1, "the head of the chain is gone"),
        ("UPDATE audit_checkpoint SET count = 9", 5, "not what was signed"),
    ],
)
def test_what_a_superuser_does_with_triggers_off_is_found(
    project: Project, chain: str, statement: str, sequence: int, reason: str, client: Client
):
    act(project, 3)
    make_checkpoint(chain)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE audit_checkpoint DISABLE TRIGGER USER")
    tamper(statement)
    found = verify_chain(chain)
    assert found
    assert (found.sequence, reason in found.reason) == (sequence, True), found
    head = AuditChain.objects.get(name=chain)
    assert (head.is_broken, head.break_sequence) == (True, sequence)
    assert "audit.E001" in [item.id for item in run_checks(databases=["default"])]
    assert client.get("/readyz").json()["checks"]["audit"] == "1 chain broken"


@pytest.mark.django_db
def test_a_history_written_anew_contradicts_its_checkpoint(project: Project, chain: str):
    act(project, 3)
    make_checkpoint(chain)
    tamper("DELETE FROM audit_auditevent; UPDATE audit_auditchain SET sequence = 0, hash = ''")
    AuditChain.objects.filter(name=chain).delete()
    act(project, 5)
    found = verify_chain(chain)
    assert found == Break(chain, 5, "it is not the event that checkpoint 1 was signed for")


@pytest.mark.django_db
class TestRetention:
    @pytest.fixture
    def old(self, project: Project, chain: str, settings) -> Checkpoint:
        """A checkpoint of a chain of five, with three events after it."""
        act(project, 3)
        made = make_checkpoint(chain)
        assert made
        act(project, 3)
        settings.AUDIT_RETENTION_DAYS = 30
        return made

    def cut_in(self, days: int, time_machine) -> int:
        time_machine.move_to(datetime.now(UTC) + timedelta(days=days))
        return cut_expired()

    def test_nothing_goes_unless_it_is_set(self, old: Checkpoint, settings, time_machine):
        settings.AUDIT_RETENTION_DAYS = 0
        assert self.cut_in(400, time_machine) == 0

    def test_old_events_go_up_to_a_checkpoint(self, old: Checkpoint, chain: str, time_machine):
        assert self.cut_in(29, time_machine) == 0
        assert self.cut_in(2, time_machine) == 5
        events = list(AuditEvent.objects.in_chain(chain))
        assert [event.sequence for event in events] == [6, 7, 8, 9]
        assert (events[-1].action, events[-1].changes["removed"]) == ("audit.cut", 5)
        tombstone = Tombstone.objects.get()
        assert (tombstone.sequence, tombstone.hash, tombstone.count) == (5, old.hash, 5)
        assert verify_chain(chain) is None
        assert self.cut_in(0, time_machine) == 0

    def test_a_proof_during_a_cut_begins_again(
        self, old: Checkpoint, chain: str, time_machine, monkeypatch
    ):
        monkeypatch.setattr("audit.querysets.AT_ONCE", 2)
        time_machine.move_to(datetime.now(UTC) + timedelta(days=60))
        known, proofs = verification.find_break, []

        def cut_after_the_second(events: Iterator[Any], start: Link) -> Break | None:
            proofs.append(start.sequence)

            def read() -> Iterator[Any]:
                for event in events:
                    yield event
                    if event["sequence"] == 2 and len(proofs) == 1:
                        cut_by_another(old)

            return known(read(), start)

        def cut_by_another(checkpoint: Checkpoint) -> None:
            key = signer()
            assert key
            assert retention._cut(checkpoint, key) == 5

        monkeypatch.setattr(verification, "find_break", cut_after_the_second)
        assert verify_chain(chain) is None
        assert proofs == [0, 5]
        assert AuditChain.objects.get(name=chain).break_sequence is None

    def test_notes_of_past_days_go_though_the_key_is_of_no_use(
        self, project: Project, settings, tmp_path: Path, time_machine
    ):
        record_once_a_day(actor=SYSTEM, action="x.read", target=project, project=project)
        assert Noted.objects.count() == 1
        settings.AUDIT_SIGNING_KEY_FILE = str(tmp_path)
        settings.AUDIT_RETENTION_DAYS = 30
        time_machine.move_to(datetime.now(UTC) + timedelta(days=3))
        with pytest.raises(SigningKeyError):
            cut()
        assert not Noted.objects.exists()

    def test_a_broken_chain_is_left_as_it_is(self, old: Checkpoint, chain: str, time_machine):
        tamper("UPDATE audit_auditevent SET actor_name = 'mallory' WHERE sequence = 2")
        assert self.cut_in(60, time_machine) == 0
        assert AuditEvent.objects.in_chain(chain).count() == 8

    def test_more_than_was_signed_away_is_found(self, old: Checkpoint, chain: str, time_machine):
        self.cut_in(60, time_machine)
        tamper("DELETE FROM audit_auditevent WHERE sequence = 6")
        assert verify_chain(chain) == Break(chain, 6, "event 6 is missing")

    def test_the_permission_alone_removes_nothing(self, old: Checkpoint, chain: str):
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SELECT set_config('audit.cutting', %s, true)", [chain])
            with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
                cursor.execute("DELETE FROM audit_auditevent WHERE chain = %s", [chain])


@pytest.mark.django_db(transaction=True)
def test_of_two_cuts_at_once_the_one_behind_does_nothing(project: Project, chain: str):
    act(project, 3)
    older = make_checkpoint(chain)
    act(project, 3)
    newer, key = make_checkpoint(chain), signer()
    assert older
    assert newer
    assert key
    with another_process() as begin:
        with transaction.atomic():
            assert retention._cut(newer, key) == 8
            behind = begin(lambda: retention._cut(older, key))
            until_one_waits()
        assert behind.result() == 0
    assert [row.sequence for row in Tombstone.objects.in_chain(chain)] == [8]
    assert list(AuditEvent.objects.in_chain(chain).values_list("action", flat=True)) == [
        "audit.cut"
    ]
    assert verify_chain(chain) is None


class TestKeys:
    def test_a_new_one_is_its_owner_s_alone(self, tmp_path: Path, capsys):
        path = tmp_path / "key.pem"
        call_command("make_audit_key", str(path))
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert read_key(path).key_id in capsys.readouterr().out
        assert make_key_file(path) is False
        assert [item.name for item in tmp_path.iterdir()] == ["key.pem"]

    def test_digits_are_a_key_too(self, tmp_path: Path):
        """The example of RFC 8032, 7.1."""
        path = tmp_path / "key"
        path.write_text("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60\n")
        assert read_key(path).public_key == "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

    @pytest.mark.parametrize("text", [None, b"", b"-----BEGIN PRIVATE KEY-----\nx"])
    def test_what_is_no_key_is_told_without_its_content(self, tmp_path: Path, text: bytes | None):
        path = tmp_path / "key.pem"
        if text is not None:
            path.write_bytes(text)
        with pytest.raises(SigningKeyError) as caught:
            read_key(path)
        assert "BEGIN" not in str(caught.value)
