"""Owners, days until a fix, and how a project gets on: numbers worked out by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Scope
from audit.models import AuditEvent
from builds.models import Build, Step
from builds.partitions import ensure_partition
from security.models import Finding, FindingDay, FindingEvent
from tests.security.making import (
    NOW,
    arrived,
    built,
    digest,
    report,
    scanned,
    vulnerability,
    waived,
)

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def found(name: str, severity: str = "HIGH", **more: Any) -> dict[str, Any]:
    return vulnerability(name, Severity=severity, **more)


def created(at: datetime) -> dict[str, str]:
    return {"CreatedAt": f"{at:%Y-%m-%dT%H:%M:%SZ}"}


@pytest.mark.parametrize(
    ("severity", "days"),
    [("CRITICAL", 7), ("HIGH", 30), ("MEDIUM", 90), ("LOW", 180), ("UNKNOWN", None)],
)
def test_days_until_a_fix_are_by_severity(
    ci: APIClient, project: Project, severity: str, days: int | None
):
    built(project, 1)
    with time_machine.travel(NOW, tick=False):
        arrived(ci, report(1, found("CVE-1", severity), **created(NOW)))
    due_at = Finding.objects.get().due_at
    assert due_at == (None if days is None else NOW + timedelta(days=days))


def test_another_severity_and_another_policy_move_the_day(
    ci: APIClient, project: Project, client_of: Any, alice: User, bob: User
):
    built(project, 1)
    with time_machine.travel(NOW, tick=False):
        arrived(ci, report(1, found("CVE-1"), **created(NOW)))
        arrived(ci, report(1, found("CVE-1", "CRITICAL"), **created(NOW + DAY)))
        assert Finding.objects.get().due_at == NOW + 7 * DAY
        address = "/projects/shop/remediation/policy/"
        days = {"critical_days": 2, "high_days": 3, "medium_days": 4, "low_days": 5}
        assert client_of(bob).post(address, days | {"waiver_days": 9}).status_code == 404
        assert client_of(alice).post(address, days | {"waiver_days": 0}).status_code == 200
        assert Finding.objects.get().due_at == NOW + 7 * DAY
        assert client_of(alice).post(address, days | {"waiver_days": 9}).status_code == 302
    assert Finding.objects.get().due_at == NOW + 2 * DAY
    assert AuditEvent.objects.filter(action="remediation_policy.changed").count() == 1
    total: dict[str, int] = {}
    for row in FindingDay.objects.filter(environment=""):
        total[f"{row.day:%m-%d}"] = total.get(f"{row.day:%m-%d}", 0) + row.overdue
    assert {day: count for day, count in total.items() if count} == {"11-12": 1}


def test_what_is_overdue_and_what_is_due_soon_is_listed(
    ci: APIClient,
    project: Project,
    client_of: Any,
    alice: User,
    dave: User,
):
    built(project, 1)
    with time_machine.travel(NOW, tick=False) as clock:
        both = [found("CVE-1", "CRITICAL"), found("CVE-2", "CRITICAL"), found("CVE-3")]
        arrived(ci, report(1, *both, found("CVE-4", "LOW"), **created(NOW)))
        clock.shift(25 * DAY)
        # What is waived is not overdue; its day stays.
        waived(
            client_of(alice), client_of(dave), Finding.objects.get(name="CVE-2"), until="2026-12-20"
        )

        def names(query: str) -> list[str]:
            listed = ci.get(f"/api/v1/findings/?{query}").json()["results"]
            return [item["name"] for item in listed]

        assert names("due=overdue") == ["CVE-1"]
        assert names("due=week") == ["CVE-3"]
        assert ci.get("/api/v1/findings/?name=CVE-1").json()["results"][0]["is_overdue"] is True
        assert ci.get("/api/v1/findings/?name=CVE-2").json()["results"][0]["is_overdue"] is False
        clock.move_to(datetime(2026, 12, 21, tzinfo=UTC))
        *earlier, last = names("due=overdue")
        assert (sorted(earlier), last) == (["CVE-1", "CVE-2"], "CVE-3")
        page = client_of(alice).get("/projects/shop/findings/?due=overdue").content.decode()
        assert "CVE-2" in page
        assert "CVE-4" not in page


def test_a_finding_is_given_to_a_member(
    ci: APIClient, project: Project, api_of: Any, bob: User, carol: User, client_of: Any
):
    built(project, 1)
    scanned(ci, report(1, found("CVE-1")))
    finding = Finding.objects.get()
    address = f"/api/v1/findings/{finding.public_id}/"
    writer = api_of(Scope.FINDINGS_WRITE, Scope.BUILDS_READ)
    assert ci.patch(address, {"owner": "bob"}, format="json").status_code == 403
    assert writer.patch(address, {}, format="json").status_code == 400
    assert (
        client_of(carol).patch(address, {"owner": "carol"}, "application/json").status_code == 404
    )
    for name in ("carol", "nobody"):
        refused = writer.patch(address, {"owner": name}, format="json")
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (409, "not_a_member")
    for _ in range(2):
        assert writer.patch(address, {"owner": "bob"}, format="json").json()["owner"] == "bob"
    assert [item["name"] for item in ci.get("/api/v1/findings/?owner=bob").json()["results"]] == [
        "CVE-1"
    ]
    assert writer.patch(address, {"owner": None}, format="json").json()["owner"] is None
    notes = FindingEvent.objects.filter(kind="owner").order_by("pk").values_list("note", flat=True)
    assert list(notes) == ["bob", ""]
    assert AuditEvent.objects.filter(action="finding.owner_changed").count() == 2


def on_base(project: Project, number: int, **fields: Any) -> Build:
    """A build of which the lowest layer is of a base image, by its steps."""
    build = built(project, number, **fields)
    ensure_partition(build.steps_month)
    for position, kind, name, layer in (
        (1, "from", "[1/2] FROM docker.io/library/debian:12@sha256:" + "c" * 64, digest(9000)),
        (2, "run", "[2/2] RUN npm ci", digest(8000 + number)),
    ):
        Step.objects.create(
            build=build,
            position=position,
            month=build.steps_month,
            kind=kind,
            name=name,
            vertex_digest=digest(position),
            layer_digest=layer,
            state="executed",
            stage="",
            platform="",
            identity="",
            inputs=[],
            intervals=[],
            busy_seconds=0,
            slack_seconds=0,
            critical=False,
            what_if_seconds=0,
            dockerfile_name="",
            dockerfile_line=None,
            error="",
        )
    return build


def test_how_a_project_gets_on(ci: APIClient, project: Project):
    on_base(project, 1), on_base(project, 2)
    built(project, 3, environment="staging")
    own = {"Layer": {"Digest": digest(8001)}}
    with time_machine.travel(NOW, tick=False) as clock:
        first = [found("CVE-1", "CRITICAL"), found("CVE-2"), found("CVE-3", **own)]
        arrived(ci, report(1, *first, **created(NOW)))
        clock.shift(4 * DAY)
        arrived(ci, report(2, *first[:2], **created(NOW)))
        arrived(ci, report(3, found("CVE-2"), found("CVE-5"), **created(NOW + 4 * DAY)))
        clock.shift(6 * DAY)
        told = ci.get("/api/v1/remediation/?days=30").json()
        staging = ci.get("/api/v1/remediation/?environment=staging").json()
        table = ci.get("/api/v1/remediation/?format=csv&table=services").content.decode()
    assert told["now"] == {"open": 3, "overdue": 1, "due_in_a_week": 0}
    # CVE-3 was fixed after 4 days, when all four were at risk: three quarters are left.
    assert told["whole"] == {"fixed": 1, "open": 3, "median_days": None, "p90_days": None}
    days = {day["day"]: day for day in told["burn_down"]}
    assert len(days) == 30
    shown = ("open", "overdue", "critical", "high")
    assert [
        [days[f"2026-11-{day}"][name] for name in shown] for day in ("09", "10", "14", "17", "20")
    ] == [
        [0, 0, 0, 0],
        [3, 0, 1, 2],
        [3, 0, 1, 2],
        [3, 1, 1, 2],
        [3, 1, 1, 2],
    ]
    high = next(row for row in told["severities"] if row["severity"] == "HIGH")
    assert (high["open"], high["fixed"], high["up_to_7_days"], high["up_to_30_days"]) == (
        2,
        1,
        1,
        1,
    )
    [service] = told["services"]
    assert (service["name"], service["open"], service["overdue"], service["change"]) == (
        "api",
        3,
        1,
        3,
    )
    environments = {
        row["name"]: (row["open"], row["overdue"], row["fixed"]) for row in told["environments"]
    }
    assert environments == {"production": (2, 1, 1), "staging": (2, 0, 0)}
    bases = {row["name"]: (row["open"], row["fixed"]) for row in told["bases"]}
    assert bases == {"docker.io/library/debian:12": (2, 0), "": (1, 1)}
    assert staging["now"]["open"] == 2
    assert staging["burn_down"][-1]["open"] == 2
    assert [row["name"] for row in staging["environments"]] == ["staging"]
    assert table.splitlines()[1].split(",")[:3] == ["api", "1", "3"]


def test_wrong_parameters_are_refused_and_other_projects_are_not_there(
    ci: APIClient, project: Project, carol: User, client_of: Any
):
    for query in ("days=7", "service=none", "environment=moon", "table=none"):
        assert ci.get(f"/api/v1/remediation/?{query}").status_code == 400, query
    refused = client_of(carol).get("/api/v1/remediation/?project=shop")
    assert refused.status_code == 400
    for page in ("remediation/", "waivers/", "statements/"):
        assert client_of(carol).get(f"/projects/shop/{page}").status_code == 404


def test_pages_cost_the_same_whatever_there_is(
    ci: APIClient,
    project: Project,
    client_of: Any,
    alice: User,
    dave: User,
):
    browser = client_of(alice)

    def costs() -> list[int]:
        found = []
        for page in ("remediation/", "waivers/", "statements/", "findings/"):
            with CaptureQueriesContext(connection) as captured:
                assert browser.get(f"/projects/shop/{page}").status_code == 200, page
            found.append(len(captured))
        return found

    def add(name: str, count: int) -> None:
        items = [vulnerability(f"{name}-{number}") for number in range(count)]
        scanned(ci, report(None, *items), service=name, environment=name)
        for finding in Finding.objects.filter(service__slug=name)[:count]:
            waived(browser, client_of(dave), finding)
        statements = [
            {"vulnerability": item["VulnerabilityID"], "products": ["x"], "status": "affected"}
            for item in items
        ]
        for number in range(count):
            head = {"@context": "https://openvex.dev/ns", "@id": f"{name}{number}"}
            body = head | {"statements": statements}
            assert ci.post("/api/v1/ingest/vex/?sync=1", body, format="json").status_code == 201

    with time_machine.travel(NOW, tick=False):
        add("a", 1)
        few = costs()
        add("b", 10)
        assert costs() == few


def test_what_people_write_is_shown_inert(
    ci: APIClient,
    project: Project,
    client_of: Any,
    alice: User,
    dave: User,
    erin: User,
):
    hostile = "<script>alert(1)</script>"
    built(project, 1)
    scanned(ci, report(1, found("CVE-1")))
    finding = Finding.objects.get()
    head = {"@context": "https://openvex.dev/ns", "@id": hostile, "author": hostile}
    statement = {
        "vulnerability": "CVE-1",
        "products": ["pkg:deb/debian/openssl"],
        "status": "affected",
        "action_statement": hostile,
    }
    body = head | {"statements": [statement, statement | {"products": [hostile]}]}
    answer = ci.post("/api/v1/ingest/vex/?sync=1", body, format="json").json()
    with time_machine.travel(NOW, tick=False):
        browser = client_of(erin)
        fields = {"scope": "finding", "kind": "accepted", "until": "2026-11-20", "reason": hostile}
        asked = browser.post(f"{finding.get_absolute_url()}waiver/", fields)
        assert asked.status_code == 302
        wrong = browser.post(
            f"{finding.get_absolute_url()}waiver/", fields | {"until": "2020-01-01"}
        )
        assert "Name a day from today on" in wrong.content.decode()
        own = browser.get("/projects/shop/waivers/").content.decode()
        assert "Take back" in own
        assert "Approve" not in own
        decide = f"/projects/shop/waivers/{finding.waivers.get().public_id}/approve/"
        assert browser.post(decide).status_code == 404
        assert client_of(dave).post(decide).status_code == 302
        for address in (
            finding.get_absolute_url(),
            "/projects/shop/waivers/",
            "/projects/shop/statements/",
            answer["documents"][0]["html_url"],
            "/projects/shop/remediation/",
        ):
            page = client_of(dave).get(address)
            assert page.status_code == 200
            assert hostile not in page.content.decode()
    finding.refresh_from_db()
    assert (finding.state, finding.waiver is not None) == ("waived", True)


def test_who_may_read_sees_no_controls(ci: APIClient, project: Project, client_of: Any, bob: User):
    built(project, 1)
    scanned(ci, report(1, found("CVE-1")))
    address = Finding.objects.get().get_absolute_url()
    page = client_of(bob).get(address).content.decode()
    assert "Ask for a waiver" not in page
    assert client_of(bob).post(f"{address}owner/", {"owner": "bob"}).status_code == 404
    assert client_of(bob).post(f"{address}waiver/", {}).status_code == 404
