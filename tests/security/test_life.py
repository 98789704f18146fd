"""The life of findings: come, seen again, changed, gone, back; and what must not end one."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import Project
from ingest.digest import digest_payload
from ingest.tasks import match_scans
from security.models import Finding, Presence, Scan
from tests.security.making import built, digest, report, scanned, states, vulnerability

pytestmark = pytest.mark.django_db


def test_a_finding_comes_goes_and_comes_back(ci: APIClient, project: Project):
    first, second, third = (built(project, number) for number in (1, 2, 3))
    one = scanned(ci, report(1, vulnerability("CVE-1"), vulnerability("CVE-2")))
    assert (one.came, one.went, one.build, one.kinds) == (2, 0, first, ["vulnerability"])
    two = scanned(ci, report(2, vulnerability("CVE-1")))
    assert (two.came, two.went) == (0, 1)
    gone = Finding.objects.get(name="CVE-2")
    assert (gone.state, gone.fixed_by, gone.introduced_by) == ("fixed", second, first)
    assert gone.fixed_at == two.received_at
    scanned(ci, report(3, vulnerability("CVE-1"), vulnerability("CVE-2")))
    back = Finding.objects.get(name="CVE-2")
    assert (back.state, back.times_reopened, back.fixed_at, back.fixed_by) == (
        "open",
        1,
        None,
        None,
    )
    assert back.pk == gone.pk
    detail = ci.get(f"/api/v1/findings/{back.public_id}/").json()
    assert [item["until_scan"] for item in detail["presences"]] == [None, str(two.public_id)]
    assert third.scans.count() == 1


def test_an_upgrade_that_does_not_fix_keeps_the_finding(ci: APIClient, project: Project):
    built(project, 1), built(project, 2)
    scanned(ci, report(1, vulnerability("CVE-1", FixedVersion="1.2")))
    newer = {"InstalledVersion": "1.1", "Severity": "CRITICAL", "FixedVersion": "1.3"}
    newer["PkgIdentifier"] = {"PURL": "pkg:deb/debian/openssl@1.1?arch=amd64"}  # type: ignore[assignment]
    scan = scanned(ci, report(2, vulnerability("CVE-1", **newer)))
    assert (scan.came, scan.went) == (0, 0)
    [finding] = Finding.objects.all()
    assert (finding.get_severity_display(), finding.fixed_version) == ("CRITICAL", "1.3")
    assert [item.installed_version for item in Presence.objects.all()] == ["1.1"]


def test_a_rescan_that_finds_the_same_writes_the_scan_alone(ci: APIClient, project: Project):
    built(project, 1)
    found = [vulnerability(f"CVE-{number}") for number in range(200)]
    scanned(ci, report(1, *found))
    with CaptureQueriesContext(
        connection,
    ) as queries:
        scanned(ci, report(1, *found, CreatedAt="2026-11-02T12:00:00Z"))
    tables = ("security_finding", "security_presence")
    written = [
        query["sql"]
        for query in queries
        if query["sql"].startswith(("INSERT", "UPDATE", "COPY"))
        and any(table in query["sql"] for table in tables)
    ]
    assert written == []
    assert (Finding.objects.count(), Presence.objects.count()) == (200, 200)


@pytest.mark.parametrize(
    ("parameters", "left"),
    [
        ({"severities": "HIGH,CRITICAL"}, "Only"),
        ({}, "Nothing below HIGH"),
    ],
)
def test_a_narrower_scan_ends_nothing(
    ci: APIClient, project: Project, parameters: dict[str, str], left: str
):
    built(project, 1)
    low = [vulnerability(f"CVE-{number}", Severity="LOW") for number in range(3)]
    scanned(ci, report(1, vulnerability("CVE-9"), *low))
    scan = scanned(ci, report(1, vulnerability("CVE-9")), **parameters)
    assert scan.narrowed_by.startswith(left)
    assert set(states().values()) == {"open"}


def test_a_scan_of_other_things_ends_no_vulnerability(ci: APIClient, project: Project):
    built(project, 1)
    scanned(ci, report(1, vulnerability("CVE-1")))
    check = {"ID": "DS002", "Severity": "HIGH", "Status": "FAIL", "Title": "root", "Message": "x"}
    results = [{"Target": "Dockerfile", "Class": "config", "Misconfigurations": [check]}]
    scanned(ci, report(1, Results=results))
    assert states() == {"CVE-1": "open", "DS002": "open"}


def test_what_is_on_a_branch_only_is_not_open(ci: APIClient, project: Project):
    built(project, 1)
    built(project, 2, ref_name="feature", change_id="7")
    scanned(ci, report(1, vulnerability("CVE-1")))
    scanned(ci, report(2, vulnerability("CVE-2")))
    # The change does not have CVE-1: on the default branch it is still there.
    assert states() == {"CVE-1": "open", "CVE-2": "branch"}


def test_an_older_image_changes_nothing(ci: APIClient, project: Project):
    built(project, 1), built(project, 2)
    scanned(ci, report(2, vulnerability("CVE-2")))
    late = scanned(ci, report(1, vulnerability("CVE-1")))
    assert late.is_late
    assert states() == {"CVE-2": "open"}


def test_a_report_waits_for_the_build_of_its_image(ci: APIClient, project: Project):
    waiting = scanned(ci, report(5, vulnerability("CVE-1")), service="api")
    assert ci.get(f"/api/v1/scans/{waiting.public_id}/").json()["is_waiting"] is True
    assert states() == {}
    match_scans()
    assert waiting.payload_link.payload.state == "done"
    build = built(project, 5)
    match_scans()
    digest_payload(waiting.payload_link.payload_id)
    assert states() == {"CVE-1": "open"}
    assert Scan.objects.get().build == build


def test_an_image_of_another_project_is_not_known_here(ci: APIClient, project: Project, carol: Any):
    elsewhere = Project.objects.get(name="Elsewhere")
    built(elsewhere, 1)
    scan = scanned(ci, report(1, vulnerability("CVE-1")))
    assert (scan.project, scan.image, scan.build) == (project, None, None)
    assert not Finding.objects.exists()


def test_where_a_finding_came_from(ci: APIClient, project: Project):
    first = built(project, 1)
    built(project, 2)
    own = {"Layer": {"Digest": digest(8002)}}
    scanned(ci, report(2, vulnerability("CVE-1"), vulnerability("CVE-2", "npm", **own)))
    base, ours = Finding.objects.order_by("name")
    # The base's layer was in the first image already, which nobody had scanned.
    assert (base.introduced_by, base.instruction) == (first, "ADD rootfs.tar /")
    assert ours.introduced_by is not None
    assert ours.introduced_by.image_digest == digest(2)
    assert ours.instruction == "RUN npm ci"


def test_repeats_of_one_vulnerability_are_one_finding(ci: APIClient, project: Project):
    built(project, 1)
    twice = [vulnerability("CVE-1"), vulnerability("CVE-1", InstalledVersion="0.9")]
    scan = scanned(ci, report(1, *twice))
    assert scan.counts["vulnerabilities"] == {"HIGH": 2}
    assert scan.distinct_vulnerabilities == 2
    assert [item.installed_version for item in Presence.objects.all()] == ["0.9, 1.0"]


def test_findings_are_listed_to_whoever_may_see_them(
    ci: APIClient, project: Project, carol: Any, client_of: Any
):
    built(project, 1)
    found = [vulnerability("CVE-1"), vulnerability("CVE-2", Severity="CRITICAL", FixedVersion="2")]
    scanned(ci, report(1, *found))
    listed = ci.get("/api/v1/findings/?service=api").json()["results"]
    assert [item["name"] for item in listed] == ["CVE-2", "CVE-1"]
    assert [item["package"] for item in listed] == ["pkg:deb/debian/openssl"] * 2
    for query, names in {
        "severity=CRITICAL": ["CVE-2"],
        "fixable=false": ["CVE-1"],
        "state=fixed": [],
        "name=cve-1": ["CVE-1"],
        "package=openssl": ["CVE-2", "CVE-1"],
    }.items():
        listed = ci.get(f"/api/v1/findings/?{query}").json()["results"]
        assert [item["name"] for item in listed] == names, query
    elsewhere = client_of(carol)
    assert elsewhere.get("/api/v1/findings/").json()["results"] == []
    one = Finding.objects.first()
    assert one is not None
    assert elsewhere.get(f"/api/v1/findings/{one.public_id}/").status_code == 404
