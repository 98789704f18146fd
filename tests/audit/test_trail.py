"""The trail is complete, unchanged and append-only, and says so when it is not."""

import json
from threading import Thread

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from accounts.models import Project, User
from audit.chain import GENESIS, Break, event_hash, find_break
from audit.models import AuditEvent
from audit.services import SYSTEM, chain_name, record
from audit.verification import verify_chain
from tests.conftest import NO_TRUNCATE


def events(project: Project):
    return AuditEvent.objects.in_chain(chain_name(project))


@pytest.mark.django_db
class TestRecording:
    def test_an_event_says_who_did_what_to_what(self, project: Project, alice: User):
        event = events(project).first()
        assert event is not None
        assert (event.actor_type, event.actor_name, event.user_id) == ("user", "alice", alice.pk)
        assert (event.action, event.target_type) == ("project.created", "accounts.project")
        assert (event.target_id, event.target_repr) == (str(project.public_id), "Shop")
        assert (event.sequence, event.prev_hash) == (1, GENESIS)

    def test_each_event_follows_the_one_before(self, project: Project):
        first, second = events(project)
        assert (second.sequence, second.prev_hash) == (2, first.hash)
        assert verify_chain(chain_name(project)) is None

    def test_chains_of_projects_are_apart(self, project: Project, carol: User):
        elsewhere = carol.projects.get()
        assert [event.sequence for event in events(elsewhere)] == [1]

    def test_an_act_that_is_rolled_back_leaves_no_event(self, project: Project):
        before = events(project).count()
        with transaction.atomic():
            record(actor=SYSTEM, action="x.done", target=project, project=project)
            transaction.set_rollback(True)
        assert events(project).count() == before


@pytest.mark.django_db(transaction=True)
def test_recording_outside_a_transaction_is_refused(project: Project):
    with pytest.raises(RuntimeError, match="belongs to the transaction"):
        record(actor=SYSTEM, action="x.done", target=project, project=project)


@pytest.mark.django_db(transaction=True)
def test_writers_at_once_make_one_chain(project: Project):
    def write() -> None:
        with transaction.atomic():
            record(actor=SYSTEM, action="x.done", target=project, project=project)
        connection.close()

    threads = [Thread(target=write) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [event.sequence for event in events(project)] == list(range(1, 9))
    assert verify_chain(chain_name(project)) is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_auditevent SET action = 'forged'",
        "DELETE FROM audit_auditevent",
        "TRUNCATE audit_auditevent",
    ],
)
def test_the_database_refuses_changes(project: Project, statement: str):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE audit_auditevent ENABLE TRIGGER {NO_TRUNCATE}")
        with pytest.raises(DatabaseError), transaction.atomic():
            cursor.execute(statement)
    assert events(project).count() == 2


def tamper(statement: str) -> None:
    """Change the trail as somebody could who owns the database."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE audit_auditevent DISABLE TRIGGER USER")
        cursor.execute(statement)
        cursor.execute("ALTER TABLE audit_auditevent ENABLE TRIGGER USER")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("statement", "sequence", "reason"),
    [
        ("UPDATE audit_auditevent SET actor_name = 'bob' WHERE sequence = 1", 1, "does not match"),
        ("DELETE FROM audit_auditevent WHERE sequence = 1", 1, "missing"),
        ("UPDATE audit_auditevent SET prev_hash = 'x' WHERE sequence = 2", 2, "does not follow"),
    ],
)
def test_tampering_is_found(project: Project, statement: str, sequence: int, reason: str, capsys):
    tamper(statement)
    found = verify_chain(chain_name(project))
    assert found is not None
    assert (found.sequence, reason in found.reason) == (sequence, True)
    with pytest.raises(CommandError, match="1 broken chain"):
        call_command("verify_audit")


@pytest.mark.django_db
def test_the_command_counts_what_holds(project: Project, capsys):
    call_command("verify_audit")
    assert capsys.readouterr().out == f"{project.public_id}: 2 events, unbroken, no checkpoint\n"


def test_an_export_can_be_checked_without_the_server():
    fields = dict.fromkeys(
        ("project_name", "actor_type", "actor_name", "action", "target_type", "target_id"), "x"
    ) | {"target_repr": "é", "request_id": "", "ip": None, "changes": {"b": 1, "a": [None]}}
    exported, previous = [], GENESIS
    for sequence in (1, 2, 3):
        event = fields | {"chain": "c", "sequence": sequence, "prev_hash": previous}
        event["occurred_at"] = f"2026-01-0{sequence}T00:00:00+00:00"
        event["hash"] = previous = event_hash(event)
        exported.append(event)
    read_back = json.loads(json.dumps(exported))
    assert find_break(read_back) is None
    assert find_break([]) is None
    read_back[1]["changes"]["b"] = 2
    assert find_break(read_back) == Break("c", 2, "its content does not match its hash")
