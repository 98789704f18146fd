"""Reports are made once for each time that they are due, and sent once to each who still may."""

from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
import time_machine
from django.db import connection

from accounts.models import Membership, Project, User
from channels.composing import compose
from channels.kinds.contract import NothingToTellError
from channels.models import Delivery
from reports.models import ReportRun, ReportSchedule
from reports.scheduled import making, running
from reports.scheduled.cron import validate_pauses
from reports.scheduled.running import MOST_TRIES, dispatch_due, make_next, make_waiting
from reports.scheduled.services import retry_run, send_now
from tests.reports.scheduled.conftest import DAY, NOW, MakeSchedule

pytestmark = pytest.mark.django_db


def run_at(moment: datetime) -> None:
    """Do what the worker does at a moment."""
    with time_machine.travel(moment, tick=False):
        dispatch_due()
        make_waiting()


def sent() -> list[str]:
    return sorted(address for row in Delivery.objects.all() for address in row.recipients)


class TestDue:
    def test_it_tells_of_the_whole_days_before(self, make_schedule: MakeSchedule):
        schedule = make_schedule()
        run_at(NOW)
        run = ReportRun.objects.get()
        assert (run.first.isoformat(), run.last.isoformat(), run.days) == (
            "2026-11-23",
            "2026-11-29",
            7,
        )
        assert (run.state, run.due_at) == ("made", NOW - timedelta(minutes=30))
        schedule.refresh_from_db()
        assert schedule.next_run_at == NOW + 7 * DAY - timedelta(minutes=30)

    def test_one_due_time_is_one_report_and_one_delivery_each(
        self, make_schedule: MakeSchedule, alice: User, bob: User
    ):
        make_schedule(alice, bob, "boss@example.org")
        for minute in range(3):
            run_at(NOW + timedelta(minutes=minute))
        assert ReportRun.objects.count() == 1
        assert sent() == ["alice@example.com", "bob@example.com", "boss@example.org"]
        assert ReportRun.objects.get().recipients == 3

    def test_one_mailbox_is_one_e_mail(self, make_schedule: MakeSchedule, bob: User):
        User.objects.filter(pk=bob.pk).update(email="Boss@Example.org")
        make_schedule(bob, "boss@example.org")
        run_at(NOW)
        assert [address.lower() for address in sent()] == ["boss@example.org"]

    def test_after_a_pause_the_latest_is_made_and_none_of_those_missed(
        self, make_schedule: MakeSchedule
    ):
        make_schedule(cron="0 7 * * *", days=1)
        run_at(NOW + 10 * DAY)
        run = ReportRun.objects.get()
        assert run.due_at == NOW + 10 * DAY - timedelta(minutes=30)
        assert run.first.isoformat() == "2026-12-09"

    @pytest.mark.parametrize(
        ("due", "following"),
        [
            # On 28 March the clock goes from 02:00 to 03:00: half past two is at once after it.
            ("2027-03-27T01:30", "2027-03-28T01:00"),
            # On 31 October half past two comes twice: the first one counts, then the next day's.
            ("2027-10-30T00:30", "2027-10-31T00:30"),
            ("2027-10-31T00:30", "2027-11-01T01:30"),
        ],
    )
    def test_the_clock_there_is_what_counts(
        self, make_schedule: MakeSchedule, due: str, following: str
    ):
        at = datetime.fromisoformat(due).replace(tzinfo=UTC)
        schedule = make_schedule(
            cron="30 2 * * *", time_zone="Europe/Berlin", days=1, next_run_at=at
        )
        run_at(at + timedelta(seconds=5))
        schedule.refresh_from_db()
        assert schedule.next_run_at == datetime.fromisoformat(following).replace(tzinfo=UTC)
        assert ReportRun.objects.get().due_at == at

    def test_what_is_off_or_not_due_yet_makes_nothing(self, make_schedule: MakeSchedule):
        make_schedule(is_on=False)
        make_schedule(name="Later", next_run_at=NOW + DAY)
        run_at(NOW)
        assert not ReportRun.objects.exists()

    def test_at_once_is_once_a_minute_and_says_who(self, make_schedule: MakeSchedule, alice: User):
        schedule = make_schedule(is_on=False)
        with time_machine.travel(NOW, tick=False):
            first, second = (send_now(schedule=schedule, actor=alice) for _ in range(2))
        assert first == second
        assert first.asked_by == "alice"
        run_at(NOW)
        assert sent() == ["alice@example.com"]

    @pytest.mark.parametrize("cron", ["* * * * *", "*/30 * * * *", "0,1 7 * * 1"])
    def test_more_than_one_an_hour_is_refused(self, cron: str):
        with pytest.raises(Exception, match="once an hour"):
            validate_pauses(cron)

    def test_once_an_hour_is_not(self):
        validate_pauses("0 * * * *")


class TestWhoMay:
    def test_who_left_the_project_gets_nothing_more(
        self, make_schedule: MakeSchedule, project: Project, alice: User, bob: User, carol: User
    ):
        make_schedule(alice, bob, carol)
        Membership.objects.filter(project=project, user=bob).delete()
        run_at(NOW)
        assert sent() == ["alice@example.com"]

    def test_who_leaves_before_it_is_sent_does_not_get_it_either(
        self, make_schedule: MakeSchedule, project: Project, bob: User
    ):
        make_schedule(bob)
        run_at(NOW)
        [delivery] = Delivery.objects.all()
        Membership.objects.filter(project=project, user=bob).delete()
        with pytest.raises(NothingToTellError):
            compose(delivery)

    def test_the_address_of_a_member_that_was_typed_too_gets_one(
        self, make_schedule: MakeSchedule, alice: User
    ):
        make_schedule(alice, "alice@example.com")
        run_at(NOW)
        assert sent() == ["alice@example.com"]


class TestFailures:
    def test_a_part_that_cannot_be_made_says_so_and_the_others_stay(
        self, make_schedule: MakeSchedule, monkeypatch: pytest.MonkeyPatch
    ):
        def broken(_: Any) -> None:
            ReportSchedule.objects.raw("SELECT nonsense")[0]

        monkeypatch.setitem(making.SECTIONS, "cache", broken)
        make_schedule()
        run_at(NOW)
        run = ReportRun.objects.get()
        assert run.state == "made"
        assert run.report is not None
        told = {section.key: section for section in run.report.sections}
        assert "could not be made (ProgrammingError)" in told["cache"].error
        assert "0 builds" in told["method"].lead
        assert len(sent()) == 1

    def test_a_run_that_fails_is_tried_again_as_a_row_and_given_up_in_the_end(
        self, make_schedule: MakeSchedule, monkeypatch: pytest.MonkeyPatch, alice: User
    ):
        def broken(*_: Any) -> None:
            raise RuntimeError("no ink")

        make_schedule()
        with monkeypatch.context() as patch:
            patch.setattr(running, "report_of", broken)
            run_at(NOW)
            run = ReportRun.objects.get()
            assert (run.state, run.tries, run.error) == ("pending", 1, "RuntimeError: no ink")
            assert run.next_at == NOW + timedelta(minutes=2)
            for hour in range(1, 8):
                run_at(NOW + timedelta(hours=hour))
        run.refresh_from_db()
        assert (run.state, run.tries) == ("failed", MOST_TRIES)
        assert sent() == []
        with time_machine.travel(NOW + DAY, tick=False):
            retry_run(run=run, actor=alice)
            make_waiting()
        run.refresh_from_db()
        assert (run.state, run.first.isoformat()) == ("made", "2026-11-23")
        assert sent() == ["alice@example.com"]

    def test_what_was_sent_outlives_its_schedule(self, make_schedule: MakeSchedule):
        schedule = make_schedule()
        run_at(NOW)
        schedule.delete()
        run = ReportRun.objects.get()
        assert (run.name, run.schedule, run.state) == ("Weekly", None, "made")


@pytest.mark.django_db(transaction=True)
def test_two_workers_make_one_report(make_schedule: MakeSchedule):
    make_schedule()
    start, made = Barrier(2), []

    def work() -> None:
        try:
            start.wait()
            dispatch_due()
            made.append(make_next())
        finally:
            connection.close()

    with time_machine.travel(NOW, tick=True):
        workers = [Thread(target=work) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        make_waiting()
    assert ReportRun.objects.count() == 1
    assert sum(made) <= 1
    assert len(sent()) == 1
