"""Waivers: two people, a scope, an end; and the whole life of a finding with one."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Scope
from audit.models import AuditEvent
from security.models import Finding, FindingDay, FindingEvent, Waiver
from security.waivers import expire_waivers
from tests.security.making import (
    NOW,
    arrived,
    asked,
    built,
    decided,
    report,
    scanned,
    states,
    vulnerability,
    waived,
)

pytestmark = pytest.mark.django_db


def history(name: str) -> list[str]:
    rows = FindingEvent.objects.filter(finding__name=name).order_by("at", "pk")
    return list(rows.values_list("kind", flat=True))


def test_the_life_of_a_finding_over_five_builds(
    ci: APIClient, project: Project, client_of: Any, erin: User, dave: User
):
    with time_machine.travel(NOW, tick=False) as clock:
        for number in range(1, 6):
            built(project, number)
        own = {"Layer": {"Digest": "sha256:" + f"{8001:064x}"}}
        arrived(ci, report(1, vulnerability("CVE-1"), vulnerability("CVE-2", "npm", **own)))
        assert states() == {"CVE-1": "open", "CVE-2": "open"}

        clock.shift(timedelta(days=1))
        arrived(ci, report(2, vulnerability("CVE-1")))
        assert states() == {"CVE-1": "open", "CVE-2": "fixed"}

        clock.shift(timedelta(days=1))
        finding = Finding.objects.get(name="CVE-1")
        waiver = waived(client_of(erin), client_of(dave), finding)
        arrived(ci, report(3, vulnerability("CVE-1")))
        assert states() == {"CVE-1": "waived", "CVE-2": "fixed"}

        clock.move_to(datetime(2026, 11, 21, tzinfo=UTC))
        # Nobody is told that it is waived still, though nothing has settled it yet.
        address = f"/api/v1/findings/{finding.public_id}/"
        assert ci.get(address).json()["state"] == "open"
        assert ci.get("/api/v1/findings/?state=waived").json()["results"] == []
        assert len(ci.get("/api/v1/findings/?state=open").json()["results"]) == 1
        assert ci.get(f"/api/v1/waivers/{waiver}/").json()["state"] == "expired"
        assert states()["CVE-1"] == "waived"
        assert expire_waivers() == 1
        assert expire_waivers() == 0
        assert states()["CVE-1"] == "open"

        arrived(ci, report(4))
        assert states() == {"CVE-1": "fixed", "CVE-2": "fixed"}
        clock.shift(timedelta(days=1))
        arrived(ci, report(5, vulnerability("CVE-1")))
        told = ci.get(address).json()
    assert (told["state"], told["times_reopened"]) == ("open", 1)
    assert [event["kind"] for event in told["events"]] == [
        "opened",
        "waiver_asked",
        "waived",
        "waiver_expired",
        "fixed",
        "reopened",
    ]
    assert told["events"][3]["at"] == "2026-11-21T00:00:00Z"
    # HIGH: 30 days from when it came back.
    assert told["due_at"] == "2026-12-22T00:00:00Z"
    assert history("CVE-2") == ["opened", "fixed"]
    days = FindingDay.objects.filter(environment="").order_by("day")
    opened: dict[str, int] = {}
    for row in days:
        opened[f"{row.day:%m-%d}"] = opened.get(f"{row.day:%m-%d}", 0) + row.opened
    # Two came; one gone; one waived; open again and gone on one day; back.
    assert {day: change for day, change in opened.items() if change} == {
        "11-10": 2,
        "11-11": -1,
        "11-12": -1,
        "11-22": 1,
    }


def test_another_person_has_to_approve(
    ci: APIClient, project: Project, client_of: Any, alice: User, dave: User
):
    built(project, 1)
    scanned(ci, report(1, vulnerability("CVE-1")))
    finding = Finding.objects.get()
    with time_machine.travel(NOW, tick=False):
        waiver = asked(client_of(dave), finding).json()["id"]
        own = decided(client_of(dave), waiver, "approve")
        assert (own.status_code, own.json()["errors"][0]["code"]) == (403, "own_waiver")
        assert states() == {"CVE-1": "open"}
        assert decided(client_of(alice), waiver, "approve").json()["state"] == "active"
        again = decided(client_of(alice), waiver, "reject")
        assert (again.status_code, again.json()["errors"][0]["code"]) == (409, "waiver_settled")
    assert states() == {"CVE-1": "waived"}
    row = Waiver.objects.get()
    row.approved_by = row.requested_by
    with pytest.raises(IntegrityError, match="two_people"), transaction.atomic():
        row.save()
    acts = AuditEvent.objects.filter(action__startswith="waiver.").order_by("sequence")
    assert list(acts.values_list("action", "actor_name")) == [
        ("waiver.asked", "dave"),
        ("waiver.approved", "alice"),
    ]


def test_who_may_do_what(
    ci: APIClient,
    project: Project,
    client_of: Any,
    api_of: Any,
    bob: User,
    carol: User,
    dave: User,
    erin: User,
):
    built(project, 1)
    scanned(ci, report(1, vulnerability("CVE-1")))
    finding = Finding.objects.get()
    with time_machine.travel(NOW, tick=False):
        # Carol may ask for waivers in her own project: here there is no such finding for her.
        assert asked(client_of(carol), finding).status_code == 404
        assert asked(client_of(bob), finding).status_code == 403
        token = asked(api_of(Scope.FINDINGS_WRITE, Scope.BUILDS_READ), finding)
        assert (token.status_code, token.json()["errors"][0]["code"]) == (403, "not_a_person")
        waiver = asked(client_of(erin), finding).json()["id"]
        for act in ("approve", "reject", "revoke"):
            assert decided(client_of(carol), waiver, act).status_code == 404
            assert decided(client_of(bob), waiver, act).status_code == 403
        assert decided(client_of(erin), waiver, "approve").status_code == 403
        assert decided(client_of(dave), waiver, "approve").status_code == 200
        assert client_of(bob).get(f"/api/v1/waivers/{waiver}/").status_code == 200
        assert client_of(carol).get(f"/api/v1/waivers/{waiver}/").status_code == 404
        assert client_of(carol).get("/api/v1/waivers/").json()["results"] == []


def test_a_waiver_that_is_taken_back_opens_what_it_covered(
    ci: APIClient, project: Project, client_of: Any, alice: User, dave: User, erin: User
):
    with time_machine.travel(NOW, tick=False):
        built(project, 1)
        arrived(ci, report(1, vulnerability("CVE-1")))
        waiver = waived(client_of(alice), client_of(dave), Finding.objects.get())
        foreign = decided(client_of(erin), waiver, "revoke")
        assert (foreign.status_code, foreign.json()["errors"][0]["code"]) == (403, "not_yours")
        assert decided(client_of(dave), waiver, "revoke").json()["state"] == "revoked"
        assert states() == {"CVE-1": "open"}
        own = asked(client_of(erin), Finding.objects.get()).json()["id"]
        assert decided(client_of(erin), own, "revoke").json()["state"] == "revoked"
    assert history("CVE-1")[1:] == [
        "waiver_asked",
        "waived",
        "waiver_revoked",
        "waiver_asked",
        "waiver_revoked",
    ]


@pytest.mark.parametrize(
    ("scope", "covered"),
    [
        ("finding", {"api openssl"}),
        ("service", {"api openssl", "api curl"}),
        ("package", {"api openssl", "web openssl"}),
        ("project", {"api openssl", "api curl", "web openssl"}),
    ],
)
def test_what_a_waiver_covers(
    ci: APIClient,
    project: Project,
    client_of: Any,
    alice: User,
    dave: User,
    scope: str,
    covered: set[str],
):
    both = [vulnerability("CVE-1"), vulnerability("CVE-1", "curl")]
    other = vulnerability("CVE-2")
    scanned(ci, report(None, *both, other), service="api")
    scanned(ci, report(None, vulnerability("GHSA-9", VendorIDs=["CVE-1"])), service="web")
    finding = Finding.objects.get(service__name="api", name="CVE-1", package__contains="openssl")
    with time_machine.travel(NOW, tick=False):
        waived(client_of(alice), client_of(dave), finding, scope=scope)
        found = Finding.objects.filter(state="waived").values_list("service__slug", "package")
        assert {f"{slug} {package.rpartition('/')[2]}" for slug, package in found} == covered
        assert Finding.objects.covered_by(Waiver.objects.get()).count() == len(covered)


def test_what_comes_within_its_scope_is_waived_as_it_is_recorded(
    ci: APIClient, project: Project, client_of: Any, alice: User, dave: User
):
    with time_machine.travel(NOW, tick=False):
        scanned(ci, report(None, vulnerability("CVE-1")), service="api")
        waived(client_of(alice), client_of(dave), Finding.objects.get(), scope="project")
        scanned(ci, report(None, vulnerability("CVE-1")), service="web")
    late = Finding.objects.get(service__slug="web")
    assert late.state == "waived"
    events = FindingEvent.objects.filter(finding=late).values_list("kind", flat=True)
    assert list(events) == ["opened", "waived"]


def test_a_waiver_of_one_environment_ends_where_another_has_the_finding(
    ci: APIClient, project: Project, client_of: Any, alice: User, dave: User
):
    with time_machine.travel(NOW, tick=False):
        built(project, 1, environment="staging")
        built(project, 2)
        scanned(ci, report(1, vulnerability("CVE-1")))
        finding = Finding.objects.get()
        waived(client_of(alice), client_of(dave), finding, environment="staging")
        assert states() == {"CVE-1": "waived"}
        scanned(ci, report(2, vulnerability("CVE-1")))
        assert states() == {"CVE-1": "open"}
        assert history("CVE-1")[-1] == "waiver_left"
        scanned(ci, report(2, CreatedAt="2026-11-10T11:00:00Z"))
        assert states() == {"CVE-1": "waived"}


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"until": "2026-11-09"}, "until"),
        ({"until": "2027-11-11"}, "until"),
        ({"until": "soon"}, "until"),
        ({"reason": " "}, "reason"),
        ({"scope": "everything"}, "scope"),
        ({"environment": "moon"}, "environment"),
    ],
)
def test_what_is_no_waiver_is_refused_with_its_place(
    ci: APIClient,
    project: Project,
    client_of: Any,
    alice: User,
    fields: dict[str, str],
    place: str,
):
    built(project, 1)
    scanned(ci, report(1, vulnerability("CVE-1")))
    with time_machine.travel(NOW, tick=False):
        answer = asked(client_of(alice), Finding.objects.get(), **fields)
    assert answer.status_code == 400
    assert [error["attr"] for error in answer.json()["errors"]] == [place]
    assert not Waiver.objects.exists()


def test_approval_costs_the_same_whatever_it_covers(
    ci: APIClient, project: Project, client_of: Any, alice: User, dave: User
):
    def cost(name: str, packages: int) -> int:
        found = [vulnerability(name, f"p{number}") for number in range(packages)]
        scanned(ci, report(None, *found), service="api", target=name)
        finding = Finding.objects.filter(name=name).first()
        assert finding is not None
        waiver = asked(client_of(alice), finding, scope="project").json()["id"]
        browser = client_of(dave)
        with CaptureQueriesContext(connection) as captured:
            assert decided(browser, waiver, "approve").status_code == 200
        assert Finding.objects.filter(name=name, state="waived").count() == packages
        return len(captured)

    with time_machine.travel(NOW, tick=False):
        assert cost("CVE-1", 5) == cost("CVE-2", 50)
