"""Bodies, tokens and moments that nobody means well with."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.signing import Signer
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Role, Scope
from accounts.services import set_member_role
from audit.models import AuditEvent
from reports.exceptions import ScheduleGoneError
from reports.models import ReportRecipient, ReportSchedule
from reports.scheduled.links import SIGNER_SALT, token_of
from reports.scheduled.services import save_schedule
from tests.reports.scheduled.conftest import MakeSchedule

pytestmark = pytest.mark.django_db
SCHEDULES = "/api/v1/report-schedules/"


@pytest.fixture
def writer(api_of: Callable[..., APIClient]) -> APIClient:
    """A program that may schedule reports."""
    return api_of(Scope.BUILDS_READ, Scope.REPORTS_WRITE)


@pytest.mark.parametrize("body", [[1], [], "text", 7, {"services": ["\0"]}, {"name": "\0"}])
def test_a_change_that_is_none(
    writer: APIClient, make_schedule: MakeSchedule, alice: User, body: Any
):
    own = f"{SCHEDULES}{make_schedule(alice).public_id}/"
    before = writer.get(own).json()
    for method in (writer.patch, writer.put):
        answer = method(own, body, format="json")
        assert answer.status_code == 400, answer.content
    assert writer.get(own).json() == before


def test_people_of_other_projects_get_nothing(writer: APIClient, carol: User, project: Project):
    body = {"name": "x", "cron": "0 7 * * 1", "members": ["carol"]}
    assert writer.post(SCHEDULES, body, format="json").status_code == 400
    assert not ReportSchedule.objects.exists()


@pytest.mark.parametrize(
    "cron", ["* * * * *", "*/30 * * * *", "0,59 5 * * *", "0 0 30 2 *", "1" * 99]
)
def test_too_often_or_never(writer: APIClient, cron: str):
    body = {"name": "x", "cron": cron, "addresses": ["a@example.org"]}
    assert writer.post(SCHEDULES, body, format="json").status_code == 400


class TestUnsubscribing:
    @pytest.fixture
    def people(self, make_schedule: MakeSchedule, alice: User) -> list[ReportRecipient]:
        make_schedule(alice, "boss@example.org")
        return list(ReportRecipient.objects.order_by("pk"))

    def test_a_token_is_of_one_recipient(self, client: Client, people: list[ReportRecipient]):
        first, second = people
        name, signature = token_of(first).split(":")
        forged = [
            f"{second.public_id.hex}:{signature}",
            f"{name}:{signature[:-1]}",
            name,
            Signer(salt="other").sign(name),
            Signer(salt=SIGNER_SALT).sign("1"),
            Signer(salt=SIGNER_SALT).sign(str(second.pk)),
        ]
        for token in forged:
            assert client.post(f"/unsubscribe/{token}/").status_code == 404, token
        assert not ReportRecipient.objects.exclude(unsubscribed_at=None).exists()
        client.post(f"/unsubscribe/{token_of(first)}/")
        assert ReportRecipient.objects.exclude(unsubscribed_at=None).get() == first

    def test_looking_changes_nothing_and_tells_nobody_the_address(
        self, client: Client, people: list[ReportRecipient]
    ):
        address = f"/unsubscribe/{token_of(people[0])}/"
        for method in (client.get, client.head, client.put, client.delete):
            answer = method(address)
        assert not ReportRecipient.objects.exclude(unsubscribed_at=None).exists()
        answer = client.get(address)
        assert answer["Referrer-Policy"] in {"same-origin", "no-referrer"}
        assert "no-store" in answer["Cache-Control"]

    def test_who_has_left_is_not_subscribed_by_being_named_again(
        self, client: Client, writer: APIClient, people: list[ReportRecipient]
    ):
        typed = next(person for person in people if person.address)
        client.post(f"/unsubscribe/{token_of(typed)}/")
        own = f"{SCHEDULES}{typed.schedule.public_id}/"
        body = {"addresses": ["BOSS@example.org", "boss@example.org"]}
        assert writer.patch(own, body, format="json").status_code == 200
        assert writer.get(own).json()["recipients"]["addresses"] == []

    def test_nor_by_being_typed_who_was_a_member_or_named_who_was_typed(
        self, client: Client, writer: APIClient, make_schedule: MakeSchedule, alice: User, bob: User
    ):
        """It is the same mailbox."""
        schedule = make_schedule(alice, "bob@example.com")
        for person in schedule.recipients.all():
            client.post(f"/unsubscribe/{token_of(person)}/")
        User.objects.filter(pk=bob.pk).update(email="Bob@Example.com")
        body = {"members": ["bob"], "addresses": ["alice@example.com", "new@example.org"]}
        own = f"{SCHEDULES}{schedule.public_id}/"
        assert writer.patch(own, body, format="json").status_code == 200
        receiving = schedule.recipients.receiving()
        assert [person.email for person in receiving] == ["new@example.org"]


def test_a_schedule_that_was_deleted_meanwhile_stays_so(
    make_schedule: MakeSchedule, alice: User, writer: APIClient
):
    schedule = make_schedule(alice)
    stale = ReportSchedule.objects.get(pk=schedule.pk)
    assert writer.delete(f"{SCHEDULES}{schedule.public_id}/").status_code == 204
    with pytest.raises(ScheduleGoneError):
        save_schedule(schedule=stale, members=[], addresses=[], changes={}, actor=alice)
    assert not ReportSchedule.objects.exists()
    assert not AuditEvent.objects.filter(
        action="report_schedule.changed", target_id=str(schedule.public_id)
    ).exists()


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AUDITOR, Role.OPERATOR])
def test_who_may_not_change_changes_nothing(
    project: Project,
    alice: User,
    bob: User,
    make_schedule: MakeSchedule,
    role: Role,
    client_of: Callable[[User], Client],
):
    set_member_role(project=project, user=bob, role=role, actor=alice)
    schedule = make_schedule(alice)
    client = client_of(bob)
    for path in ("", "send/", "delete/"):
        assert client.post(f"{schedule.get_absolute_url()}{path}", {"name": "x"}).status_code == 404
    assert ReportSchedule.objects.get().name == schedule.name
