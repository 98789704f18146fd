"""Scheduled reports for programs."""

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import Membership, Project, User
from accounts.roles import Scope
from audit.models import AuditEvent
from builds.models import Service
from reports.models import ReportRun, ReportSchedule
from reports.scheduled.forms import ReportScheduleForm
from reports.scheduled.running import dispatch_due, make_waiting
from tests.builds.test_api import budget
from tests.reports.scheduled.conftest import NOW, MakeSchedule, add, added_up
from tests.reports.test_assessment import text_of

pytestmark = pytest.mark.django_db

SCHEDULES, RUNS = "/api/v1/report-schedules/", "/api/v1/report-runs/"
WEEKLY = {
    "name": "Monday",
    "cron": "0 7 * * 1",
    "time_zone": "Europe/Berlin",
    "sections": ["trends", "attention"],
    "members": ["bob"],
    "addresses": ["boss@example.org"],
}


@pytest.fixture
def writer(api_of: Callable[..., APIClient]) -> APIClient:
    """A program that may schedule reports."""
    return api_of(Scope.BUILDS_READ, Scope.REPORTS_WRITE)


@pytest.fixture
def sent(make_schedule: MakeSchedule, service: Service, alice: User) -> ReportRun:
    """A report that was made."""
    with time_machine.travel(NOW, tick=False):
        add(service, 2, 20, 20, 20, 20)
        added_up()
        make_schedule(alice, "boss@example.org")
        dispatch_due()
        make_waiting()
    return ReportRun.objects.get()


class TestSchedules:
    def test_made_read_changed_and_deleted(self, writer: APIClient, project: Project):
        made = writer.post(SCHEDULES, WEEKLY, format="json")
        assert made.status_code == 201
        told = made.json()
        assert told["sections"] == ["trends", "attention"]
        assert told["when"] == "At 07:00 on Monday"
        assert told["days"] == 7
        assert told["recipients"] == {
            "members": ["bob"],
            "addresses": ["boss@example.org"],
            "unsubscribed": [],
        }
        own = f"{SCHEDULES}{told['id']}/"
        changed = writer.patch(own, {"days": 30, "members": []}, format="json").json()
        assert (changed["days"], changed["sections"]) == (30, ["trends", "attention"])
        assert changed["recipients"]["members"] == []
        assert changed["recipients"]["addresses"] == ["boss@example.org"]
        assert told["attaches_pdf"] is False
        changed = writer.patch(own, {"attaches_pdf": True}, format="json").json()
        assert (changed["attaches_pdf"], changed["days"]) == (True, 30)
        whole = writer.put(own, WEEKLY | {"is_on": False}, format="json").json()
        assert (whole["is_on"], whole["days"], whole["attaches_pdf"]) == (False, 7, False)
        assert writer.get(SCHEDULES).json()["results"] == [whole]
        assert writer.delete(own).status_code == 204
        assert not ReportSchedule.objects.exists()
        actions = list(AuditEvent.objects.values_list("action", flat=True))
        assert actions.count("report_schedule.changed") == 4
        assert actions.count("report_schedule.deleted") == 1

    def test_who_has_left_is_in_nobodys_way(
        self, writer: APIClient, make_schedule: MakeSchedule, bob: User, project: Project
    ):
        schedule = make_schedule(bob)
        own = f"{SCHEDULES}{schedule.public_id}/"
        Membership.objects.filter(project=project, user=bob).delete()
        changed = writer.patch(own, {"is_on": False}, format="json")
        assert (changed.status_code, changed.json()["is_on"]) == (200, False)
        assert changed.json()["recipients"]["members"] == ["bob"]
        writer.patch(own, {"members": []}, format="json")
        again = writer.patch(own, {"members": ["bob"]}, format="json")
        assert (again.status_code, again.json()["errors"][0]["attr"]) == (400, "members")

    def test_a_change_does_not_swallow_a_time_that_has_come(
        self, writer: APIClient, make_schedule: MakeSchedule
    ):
        schedule = make_schedule()
        own, due = f"{SCHEDULES}{schedule.public_id}/", schedule.next_run_at
        with time_machine.travel(NOW, tick=False):
            assert writer.patch(own, {"days": 30}, format="json").status_code == 200
            schedule.refresh_from_db()
            assert schedule.next_run_at == due
            writer.patch(own, {"time_zone": "Europe/Berlin"}, format="json")
            schedule.refresh_from_db()
            assert schedule.next_run_at == datetime(2026, 12, 7, 6, tzinfo=UTC)

    def test_of_two_of_one_name_at_once_the_second_is_refused(
        self, writer: APIClient, make_schedule: MakeSchedule, monkeypatch: pytest.MonkeyPatch
    ):
        make_schedule(name="Monday")
        # As if the other had come after the form had looked.
        monkeypatch.setattr(
            ReportScheduleForm, "clean_name", lambda form: form.cleaned_data["name"]
        )
        answer = writer.post(SCHEDULES, WEEKLY, format="json")
        assert answer.status_code == 409
        assert answer.json()["errors"][0]["code"] == "schedule_name_taken"

    @pytest.mark.parametrize(
        ("wrong", "attr"),
        [
            ({"cron": "* * * * *"}, "cron"),
            ({"sections": ["nonsense"]}, "sections"),
            ({"addresses": ["nobody"]}, "addresses"),
            ({"members": ["carol"]}, "members"),
            ({"services": ["elsewhere"]}, "services"),
            ({"days": 6}, "days"),
        ],
    )
    def test_what_is_wrong_is_named(
        self, writer: APIClient, project: Project, carol: User, wrong: Any, attr: str
    ):
        answer = writer.post(SCHEDULES, WEEKLY | wrong, format="json")
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["attr"].startswith(attr)

    def test_readers_read_without_addresses_and_change_nothing(
        self, api: APIClient, sent: ReportRun
    ):
        [told] = api.get(SCHEDULES).json()["results"]
        assert told["recipients"] is None
        own = f"{SCHEDULES}{told['id']}/"
        assert api.post(SCHEDULES, WEEKLY, format="json").status_code == 403
        for answer in (
            api.patch(own, {}, format="json"),
            api.delete(own),
            api.post(f"{own}send-now/"),
        ):
            assert answer.status_code == 403

    def test_another_project_is_not_there(
        self, client_of: Callable[[User], Client], carol: User, sent: ReportRun
    ):
        assert sent.schedule is not None
        browser = client_of(carol)
        assert browser.get(f"{RUNS}{sent.public_id}/").status_code == 404
        assert browser.get(f"{SCHEDULES}{sent.schedule.public_id}/").status_code == 404
        assert browser.post(f"{SCHEDULES}{sent.schedule.public_id}/send-now/").status_code == 404

    def test_sending_at_once(self, writer: APIClient, make_schedule: MakeSchedule):
        schedule = make_schedule(is_on=False)
        answer = writer.post(f"{SCHEDULES}{schedule.public_id}/send-now/")
        assert answer.status_code == 202
        assert (answer.json()["state"], answer.json()["asked_by"]) == ("pending", "token ci")

    def test_a_preview_keeps_nothing(
        self, api: APIClient, make_schedule: MakeSchedule, service: Service
    ):
        schedule = make_schedule()
        with time_machine.travel(NOW, tick=False):
            add(service, 2, 20)
            added_up()
            told = api.get(f"{SCHEDULES}{schedule.public_id}/preview/").json()
            page = api.get(f"{SCHEDULES}{schedule.public_id}/preview/?format=html")
        assert (told["first"], told["last"]) == ("2026-11-23", "2026-11-29")
        assert "trends" in {section["key"] for section in told["sections"]}
        assert page["Content-Type"].startswith("text/html")
        assert not ReportRun.objects.exists()


class TestRuns:
    def test_the_list_has_no_documents_and_the_detail_has(
        self, writer: APIClient, api: APIClient, sent: ReportRun
    ):
        [line] = api.get(f"{RUNS}?project=shop").json()["results"]
        assert (line["state"], line["recipients"], line["last"]) == ("made", 2, "2026-11-29")
        assert "report" not in line
        told = api.get(f"{RUNS}{sent.public_id}/").json()
        assert told["report"]["sections"][0]["key"] == "trends"
        assert told["deliveries"] is None
        seen = writer.get(f"{RUNS}{sent.public_id}/").json()["deliveries"]
        assert [(row["recipient"], row["state"]) for row in seen] == [
            ("alice@example.com", "pending"),
            ("boss@example.org", "pending"),
        ]

    def test_each_form_says_the_same(self, api: APIClient, sent: ReportRun):
        path = f"{RUNS}{sent.public_id}/"
        page = api.get(path, HTTP_ACCEPT="text/html")
        table = api.get(path, HTTP_ACCEPT="text/csv")
        document = api.get(path, HTTP_ACCEPT="application/pdf")
        assert "4 builds, 0 failed" in page.content.decode()
        assert "4 builds, 0 failed" in text_of(document.content)
        rows = list(csv.DictReader(io.StringIO(table.content.decode())))
        [builds] = [
            row for row in rows if (row["section"], row["quantity"]) == ("trends", "builds")
        ]
        assert (builds["item"], builds["value"], builds["note"]) == ("api", "4", "0 before")
        assert document["Content-Disposition"] == (
            'attachment; filename="report-shop-2026-11-29.pdf"'
        )

    def test_the_e_mail_on_this_site_runs_and_fetches_nothing(
        self, api: APIClient, sent: ReportRun
    ):
        answer = api.get(f"{RUNS}{sent.public_id}/?format=html")
        policy = answer["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert 'src="http' not in answer.content.decode()

    def test_what_is_not_made_yet_has_no_document(
        self, api: APIClient, writer: APIClient, make_schedule: MakeSchedule
    ):
        schedule = make_schedule(is_on=False)
        run = writer.post(f"{SCHEDULES}{schedule.public_id}/send-now/").json()
        answer = api.get(f"{RUNS}{run['id']}/?format=pdf")
        assert answer.status_code == 400
        assert answer["Content-Type"] == "application/json"
        assert api.get(f"{RUNS}{run['id']}/").json()["report"] is None

    def test_ten_times_the_reports_cost_the_same(
        self, writer: APIClient, make_schedule: MakeSchedule, alice: User, bob: User
    ):
        def more(names: range) -> None:
            for name in names:
                make_schedule(alice, bob, "boss@example.org", name=f"R{name}")
            with time_machine.travel(NOW, tick=False):
                dispatch_due()

        more(range(2))
        few = (
            budget("api_report_schedules", SCHEDULES, writer),
            budget("api_report_runs", RUNS, writer),
        )
        more(range(2, 20))
        assert few == (
            budget("api_report_schedules", SCHEDULES, writer),
            budget("api_report_runs", RUNS, writer),
        )
