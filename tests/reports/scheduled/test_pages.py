"""Pages of scheduled reports: who may see and change what, and leaving without signing in."""

from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.models import Project, User
from accounts.roles import Role
from accounts.services import set_member_role
from audit.appending import append_pending
from audit.models import AuditEvent
from builds.models import Service
from channels.composing import compose
from channels.kinds.contract import NothingToTellError
from channels.models import Delivery
from reports.models import ReportRun, ReportSchedule, ReportSection
from reports.scheduled.links import token_of
from reports.scheduled.running import dispatch_due, make_waiting
from tests.reports.scheduled.conftest import NOW, MakeSchedule, add, added_up

pytestmark = pytest.mark.django_db

type ClientOf = Callable[[User], Client]
PAGE = "/projects/shop/reports/"


def said(**more: Any) -> dict[str, Any]:
    """What a browser sends."""
    values = {
        "name": "Monday",
        "cron": "0 7 * * 1",
        "time_zone": "Europe/Berlin",
        "days": "7",
        "sections": ["trends", "attention"],
        "place_trends": "2",
        "place_attention": "1",
        "members": ["bob"],
        "addresses": "Boss@example.org\n\nteam@example.org, boss@example.org",
        "is_on": "on",
    }
    return values | more


@pytest.fixture
def lead(project: Project, alice: User) -> User:
    """Somebody who may schedule reports, and not read the audit trail."""
    user = User.objects.create_user("lena", "lena@example.com", "lena-password")
    set_member_role(project=project, user=user, role=Role.LEAD, actor=alice)
    return user


@pytest.fixture
def sent(make_schedule: MakeSchedule, service: Service, alice: User) -> ReportRun:
    """A report that was made for Alice and somebody outside."""
    with time_machine.travel(NOW, tick=False):
        add(service, 2, 20, 20, 20, 20)
        added_up()
        make_schedule(alice, "boss@example.org")
        dispatch_due()
        make_waiting()
    return ReportRun.objects.get()


class TestSaving:
    def test_what_is_typed_is_kept_and_written_to_the_trail(
        self, project: Project, client_of: ClientOf, lead: User
    ):
        with time_machine.travel(NOW, tick=False):
            answer = client_of(lead).post(f"{PAGE}new/", said())
        assert answer.status_code == 302
        schedule = ReportSchedule.objects.get()
        assert (schedule.sections, schedule.created_by) == (["attention", "trends"], lead)
        assert schedule.next_run_at is not None
        assert schedule.next_run_at.isoformat() == "2026-12-07T06:00:00+00:00"
        people = {str(person) for person in schedule.recipients.all()}
        assert people == {"bob", "boss@example.org", "team@example.org"}
        event = AuditEvent.objects.get(action="report_schedule.changed")
        assert event.changes["addresses"] == ["boss@example.org", "team@example.org"]
        assert event.changes["members"] == ["bob"]

    def test_a_preview_shows_the_report_and_keeps_nothing(
        self, project: Project, service: Service, client_of: ClientOf, lead: User
    ):
        with time_machine.travel(NOW, tick=False):
            add(service, 2, 20)
            added_up()
            answer = client_of(lead).post(f"{PAGE}new/", said(preview="1"))
        text = answer.content.decode()
        assert "1 build, 0 failed" in text
        assert 'value="Monday"' in text
        assert not ReportSchedule.objects.exists()

    @pytest.mark.parametrize(
        ("wrong", "words"),
        [
            ({"cron": "* * * * *"}, "once an hour at most"),
            ({"cron": "nonsense"}, "five fields"),
            ({"time_zone": "Mars"}, "Give a time zone"),
            ({"addresses": "boss@example.org\nnobody"}, "“nobody” is not an e-mail address"),
            ({"members": ["carol"]}, "not one of the available choices"),
            ({"services": ["elsewhere"]}, "not one of the available choices"),
            ({"sections": []}, "This field is required"),
            ({"addresses": "\n".join(f"a{n}@b.example" for n in range(50))}, "50 recipients"),
        ],
    )
    def test_what_is_wrong_is_named_and_nothing_is_lost(
        self,
        project: Project,
        client_of: ClientOf,
        lead: User,
        carol: User,
        wrong: dict[str, Any],
        words: str,
    ):
        answer = client_of(lead).post(f"{PAGE}new/", said(**wrong))
        text = answer.content.decode()
        assert words in text
        assert 'value="Monday"' in text
        assert not ReportSchedule.objects.exists()

    def test_who_unsubscribed_stays_so_whoever_names_them(
        self, client_of: ClientOf, lead: User, make_schedule: MakeSchedule, bob: User
    ):
        schedule = make_schedule(bob, "boss@example.org")
        schedule.recipients.filter(user=None).update(unsubscribed_at=NOW)
        answer = client_of(lead).post(
            schedule.get_absolute_url(), said(members=[], addresses="boss@example.org")
        )
        assert answer.status_code == 302
        [left] = schedule.recipients.all()
        assert (str(left), left.unsubscribed_at) == ("boss@example.org", NOW)
        assert "Unsubscribed" in client_of(lead).get(schedule.get_absolute_url()).content.decode()

    def test_deleting_keeps_what_was_sent(self, client_of: ClientOf, lead: User, sent: ReportRun):
        assert sent.schedule is not None
        client_of(lead).post(f"{sent.schedule.get_absolute_url()}delete/")
        page = client_of(lead).get(sent.get_absolute_url()).content.decode()
        assert "deleted since" in page
        assert "4 builds, 0 failed" in page


class TestWhoMay:
    def test_readers_see_reports_and_no_addresses(
        self, client_of: ClientOf, bob: User, sent: ReportRun
    ):
        browser = client_of(bob)
        for path in (PAGE, sent.get_absolute_url()):
            text = browser.get(path).content.decode()
            assert "Weekly" in text
            assert "@example" not in text
            assert "Send now" not in text
        assert "2 to be sent" in text

    def test_leads_and_auditors_see_who_gets_them(
        self, project: Project, client_of: ClientOf, lead: User, alice: User, sent: ReportRun
    ):
        auditor = User.objects.create_user("otto", "otto@example.com", "otto-password")
        set_member_role(project=project, user=auditor, role=Role.AUDITOR, actor=alice)
        for user in (lead, auditor):
            text = client_of(user).get(sent.get_absolute_url()).content.decode()
            assert "boss@example.org" in text

    def test_readers_change_nothing(
        self, client_of: ClientOf, bob: User, carol: User, sent: ReportRun
    ):
        assert sent.schedule is not None
        own = sent.schedule.get_absolute_url()
        for path in (
            f"{PAGE}new/",
            own,
            f"{own}send/",
            f"{own}delete/",
            f"{sent.get_absolute_url()}retry/",
        ):
            assert client_of(bob).post(path).status_code == 404
        for path in (PAGE, sent.get_absolute_url()):
            assert client_of(carol).get(path).status_code == 404

    def test_sending_at_once_leads_to_the_report(
        self, client_of: ClientOf, lead: User, make_schedule: MakeSchedule
    ):
        schedule = make_schedule(is_on=False)
        answer = client_of(lead).post(f"{schedule.get_absolute_url()}send/", follow=True)
        text = answer.content.decode()
        assert "It is being made" in text
        assert "at once for lena" in text
        assert AuditEvent.objects.filter(action="report_schedule.sent").count() == 1

    def test_only_what_was_given_up_is_made_again(
        self, client_of: ClientOf, lead: User, sent: ReportRun
    ):
        answer = client_of(lead).post(f"{sent.get_absolute_url()}retry/", follow=True)
        assert "Only a report that was given up" in answer.content.decode()


class TestUnsubscribing:
    def test_one_click_without_signing_in_or_a_form(self, sent: ReportRun):
        boss = sent.schedule.recipients.get(user=None)  # type: ignore[union-attr]
        path = f"/unsubscribe/{token_of(boss)}/"
        stranger = Client(enforce_csrf_checks=True)
        page = stranger.get(path).content.decode()
        assert 'method="post"' in page
        boss.refresh_from_db()
        assert boss.unsubscribed_at is None  # looking is not leaving: scanners follow links
        for _ in range(2):
            answer = stranger.post(path, {"List-Unsubscribe": "One-Click"})
            assert answer.status_code == 200
        boss.refresh_from_db()
        assert boss.unsubscribed_at is not None
        append_pending()
        event = AuditEvent.objects.get(action="report_recipient.unsubscribed")
        assert (event.actor_type, event.actor_name) == ("stranger", "recipient boss@example.org")
        assert event.target_id == str(boss.public_id)

    def test_what_waits_is_not_sent_then_and_the_others_is(self, sent: ReportRun, alice: User):
        boss = sent.schedule.recipients.get(user=None)  # type: ignore[union-attr]
        Client().post(f"/unsubscribe/{token_of(boss)}/")
        with pytest.raises(NothingToTellError):
            compose(Delivery.objects.get(recipients=["boss@example.org"]))
        assert compose(Delivery.objects.get(recipients=[alice.email])).to == [alice.email]

    def test_they_may_have_it_again(self, sent: ReportRun):
        boss = sent.schedule.recipients.get(user=None)  # type: ignore[union-attr]
        path = f"/unsubscribe/{token_of(boss)}/"
        Client().post(path)
        assert "Let me have it again" in Client().get(path).content.decode()
        Client().post(path, {"again": "1"})
        boss.refresh_from_db()
        assert boss.unsubscribed_at is None
        append_pending()
        assert AuditEvent.objects.filter(action="report_recipient.subscribed").count() == 1

    def test_a_link_lives_as_long_as_its_key(self, sent: ReportRun, settings: Any):
        boss = sent.schedule.recipients.get(user=None)  # type: ignore[union-attr]
        path = f"/unsubscribe/{token_of(boss)}/"
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "another-" + "y" * 40
        assert "is sent to you by e-mail" in Client().get(path).content.decode()
        newer = f"/unsubscribe/{token_of(boss)}/"
        settings.SECRET_KEY_FALLBACKS = []
        for answer in (Client().get(path), Client().post(path)):
            text = answer.content.decode()
            assert answer.status_code == 404
            assert "Nothing was changed" in text
            assert "use the link in the newest one" in text
        boss.refresh_from_db()
        assert boss.unsubscribed_at is None
        assert Client().post(newer).status_code == 200

    def test_whoever_changes_their_mind_all_day_does_not_fill_the_trail(
        self, sent: ReportRun, project: Project
    ):
        schedule = sent.schedule
        assert schedule
        for recipient in schedule.recipients.all():
            path = f"/unsubscribe/{token_of(recipient)}/"
            for _ in range(3):
                Client().post(path)
                Client().post(path, {"again": "1"})
        append_pending()
        told = AuditEvent.objects.filter(action__startswith="report_recipient.")
        count = schedule.recipients.count()
        assert count > 1
        assert told.count() == 2 * count
        assert {event.changes["schedule"] for event in told} == {schedule.name}
        assert {event.chain for event in told} == {str(project.public_id)}

    def test_a_made_up_link_leads_nowhere(self, sent: ReportRun):
        boss = sent.schedule.recipients.get(user=None)  # type: ignore[union-attr]
        for token in (boss.public_id.hex, f"{boss.public_id.hex}:x", "x", token_of(boss)[:-1]):
            assert Client().post(f"/unsubscribe/{token}/").status_code == 404
        boss.refresh_from_db()
        assert boss.unsubscribed_at is None


def test_every_part_has_a_maker_and_a_place(client_of: ClientOf, lead: User):
    from reports.scheduled.sections import SECTIONS

    assert set(SECTIONS) == set(ReportSection.values)
    text = client_of(lead).get(f"{PAGE}new/").content.decode()
    assert text.count('name="place_') == len(SECTIONS)
