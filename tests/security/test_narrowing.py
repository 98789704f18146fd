"""What a report did not look for, left out, or said in a way that cannot be read, has not gone."""

import json
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import Project
from security.models import Finding, Kind
from security.narrowing import Missing, Narrowing, Stated, narrowed_by
from security.seen import seen_in
from supplychain.reports.reading import read_report
from tests.conftest import SHARED_FIXTURES
from tests.security.making import built, digest, report, scanned, send, states, vulnerability
from tests.security.test_statements import openvex, stated, told

pytestmark = pytest.mark.django_db

FIXED = {"FixedVersion": "2"}
DEBIAN = {"RepoDigests": [f"shop/api@{digest(1)}"], "OS": {"Family": "debian", "Name": "12"}}
LIBRARIES = [{"Target": "Node.js", "Class": "lang-pkgs", "Type": "node-pkg"}]
LICENSE = {"Name": "GPL-2.0", "Severity": "HIGH", "Category": "restricted", "PkgName": "bash"}
LICENSES = [
    {"Target": "api (debian 12)", "Class": "os-pkgs", "Packages": [{"Name": "bash"}]},
    {"Target": "OS Packages", "Class": "license", "Licenses": [LICENSE]},
]
SECRET = {"RuleID": "github-pat", "Severity": "HIGH", "Match": "token = ****", "StartLine": 1}


def sbom(number: int, *vulnerabilities: dict[str, Any]) -> bytes:
    """What ``trivy image --format cyclonedx`` writes of the image of a build."""
    properties = [{"name": "aquasecurity:trivy:Class", "value": "os-pkgs"}]
    system = {"bom-ref": "os", "type": "operating-system", "name": "debian", "version": "12"}
    purl = "pkg:deb/debian/openssl@1.0"
    found = {"name": "aquasecurity:trivy:RepoDigest", "value": f"shop/api@{digest(number)}"}
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "metadata": {"component": {"type": "container", "name": "api", "properties": [found]}},
        "components": [
            system | {"properties": properties},
            {"bom-ref": purl, "type": "library", "name": "openssl", "purl": purl},
        ],
        "dependencies": [{"ref": "os", "dependsOn": [purl]}],
        "vulnerabilities": list(vulnerabilities),
    }
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("parameters", "kinds", "state"),
    [({}, [], "open"), ({"scanners": "vuln"}, ["vulnerability"], "fixed")],
)
def test_an_sbom_has_looked_for_vulnerabilities_only_if_its_sender_says_so(
    ci: APIClient, project: Project, parameters: dict[str, str], kinds: list[str], state: str
):
    built(project, 1)
    scanned(ci, report(1, vulnerability("CVE-1")))
    scan = scanned(ci, sbom(1), **parameters)
    assert (scan.kinds, len(scan.problems)) == (kinds, int(not kinds))
    assert states() == {"CVE-1": state}


def test_cyclonedx_with_a_vulnerability_has_looked_for_them(ci: APIClient, project: Project):
    built(project, 1)
    scanned(ci, report(1, vulnerability("CVE-1")))
    known = {"id": "CVE-2", "affects": [{"ref": "pkg:deb/debian/openssl@1.0"}]}
    assert scanned(ci, sbom(1, known)).kinds == ["vulnerability"]
    assert states() == {"CVE-1": "fixed", "CVE-2": "open"}


def test_a_real_sbom_has_not_looked_for_vulnerabilities(ci: APIClient, project: Project):
    path = SHARED_FIXTURES / "trivy" / "trivy-cyclonedx-bom-03d8e5.json"
    if not path.is_file():
        pytest.skip(f"no {path}")
    assert scanned(ci, path.read_bytes(), service="api").kinds == []


@pytest.mark.parametrize(
    ("parameters", "kinds", "state"),
    [
        ({}, ["license"], "open"),
        ({"scanners": "vuln,license"}, ["license", "vulnerability"], "fixed"),
    ],
)
def test_a_report_of_licences_has_its_packages_for_their_sake(
    ci: APIClient, project: Project, parameters: dict[str, str], kinds: list[str], state: str
):
    built(project, 1)
    scanned(ci, report(1, vulnerability("CVE-1")))
    assert scanned(ci, report(1, Results=LICENSES), **parameters).kinds == kinds
    assert states() == {"CVE-1": state, "GPL-2.0": "open"}


@pytest.mark.parametrize("parameters", [{}, {"severities": "CRITICAL,HIGH,LOW"}])
def test_what_cannot_be_read_has_not_gone(
    ci: APIClient, project: Project, parameters: dict[str, str]
):
    built(project, 1)
    scanned(ci, report(1, vulnerability("CVE-1"), vulnerability("CVE-2")))
    unread = vulnerability("CVE-2", Title=5)
    scan = scanned(ci, report(1, vulnerability("CVE-1"), unread), **parameters)
    assert scan.narrowed_by == "Parts of the report could not be read."
    assert scan.is_narrowing_guessed
    assert states() == {"CVE-1": "open", "CVE-2": "open"}


def test_an_affected_package_that_is_not_there_is_a_part_that_cannot_be_read(
    ci: APIClient, project: Project
):
    built(project, 1)
    scanned(ci, report(1, vulnerability("CVE-1")))
    affects = [{"ref": "pkg:deb/debian/openssl@1.0"}, {"ref": "nothing"}]
    scan = scanned(ci, sbom(1, {"id": "CVE-2", "affects": affects}))
    assert scan.narrowed_by == "Parts of the report could not be read."
    assert states() == {"CVE-1": "open", "CVE-2": "open"}


def test_what_a_report_says_of_itself_is_no_finding(ci: APIClient, project: Project):
    built(project, 1)
    scanned(ci, report(1, vulnerability("CVE-1")))
    scan = scanned(ci, report(1, Trivy={"Version": 3}))
    assert len(scan.problems) == 1
    assert states() == {"CVE-1": "fixed"}


@pytest.mark.parametrize(
    ("parameters", "left", "is_guessed"),
    [
        ({}, "The system's packages are not in it.", True),
        ({"pkg_types": "library"}, "Only packages of library were asked for.", False),
        ({"pkg_types": "os,library"}, "", False),
    ],
)
def test_libraries_alone_end_nothing_of_the_system(
    ci: APIClient,
    project: Project,
    parameters: dict[str, str],
    left: str,
    is_guessed: bool,
):
    built(project, 1)
    scanned(ci, report(1, vulnerability("CVE-1"), Metadata=DEBIAN))
    scan = scanned(ci, report(1, Metadata=DEBIAN, Results=LIBRARIES), **parameters)
    assert (scan.narrowed_by, scan.is_narrowing_guessed) == (left, is_guessed)
    assert states() == {"CVE-1": "open" if left else "fixed"}


def test_an_image_without_a_system_has_none_of_its_packages(ci: APIClient, project: Project):
    built(project, 1), built(project, 2)
    scanned(ci, report(1, vulnerability("CVE-1"), Metadata=DEBIAN))
    scratch = {"RepoDigests": [f"shop/api@{digest(2)}"], "OS": {"Family": "none", "Name": ""}}
    scanned(ci, report(2, Metadata=scratch, Results=LIBRARIES))
    assert states() == {"CVE-1": "fixed"}


def test_a_package_type_that_there_is_not_is_refused(ci: APIClient):
    answer = send(ci, report(1), pkg_types="rpm")
    assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, "pkg_types")


def test_a_secret_does_not_hide_that_what_has_no_fix_was_left_out(ci: APIClient, project: Project):
    built(project, 1)
    fixable = vulnerability("CVE-9", **FIXED)
    scanned(ci, report(1, fixable, *(vulnerability(f"CVE-{number}") for number in range(3))))
    packages = {"Target": "api (debian 12)", "Class": "os-pkgs", "Vulnerabilities": [fixable]}
    files = {"Target": "/.env", "Class": "secret", "Secrets": [SECRET]}
    scan = scanned(ci, report(1, Results=[packages, files]))
    assert scan.narrowed_by.startswith("Nothing without a fix")
    assert set(states().values()) == {"open"}


def test_secrets_that_go_have_no_fix_and_are_gone(ci: APIClient, project: Project):
    built(project, 1)
    secrets = [SECRET | {"Match": f"token {number} = ****"} for number in range(3)]
    fixable = vulnerability("CVE-9", **FIXED)
    packages = {"Target": "api", "Class": "os-pkgs", "Vulnerabilities": [fixable]}
    files = {"Target": "/.env", "Class": "secret"}
    scanned(ci, report(1, Results=[packages, files | {"Secrets": secrets}]))
    for parameters in ({}, {"ignore_unfixed": "true"}):
        body = report(1, Results=[packages, files])
        assert scanned(ci, body, **parameters).narrowed_by == ""
    assert Finding.objects.filter(kind="secret", state="fixed").count() == 3


def missing(severity: int, *, fixable: bool = False, kind: Kind = Kind.VULNERABILITY) -> Missing:
    return Missing(kind, "os-pkgs", severity, fixable)


NO_FIX = "Nothing without a fix is in it, and all that was there would have gone."


@pytest.mark.parametrize(
    ("filters", "lacking", "narrowing"),
    [
        ({}, [missing(4)] * 2, None),
        ({}, [missing(4)] * 3, Narrowing(NO_FIX, is_guessed=True)),
        ({"ignore_unfixed": False}, [missing(4)] * 3, None),
        (
            {"ignore_unfixed": True},
            [missing(4)],
            Narrowing("Findings without a fix were left out.", is_guessed=False),
        ),
        ({"ignore_unfixed": True}, [missing(4, fixable=True)], None),
        ({"ignore_unfixed": True}, [missing(4, kind=Kind.MISCONFIGURATION)], None),
        (
            {"severities": ("HIGH",)},
            [missing(2)] * 3,
            Narrowing("Only HIGH was asked for.", is_guessed=False),
        ),
        # Beside what was not asked for there is more that went than what was asked for explains.
        (
            {"severities": ("HIGH",)},
            [missing(2), *[missing(4)] * 3],
            Narrowing(NO_FIX, is_guessed=True),
        ),
    ],
)
def test_what_its_sender_says_explains_no_more_than_it_says(
    filters: dict[str, Any], lacking: list[Missing], narrowing: Narrowing | None
):
    known = read_report(report(1, vulnerability("CVE-9", **FIXED)), key=b"k" * 32)
    seen = seen_in(known).values()
    assert narrowed_by(Stated(**filters), known, seen, lacking) == narrowing


def test_aliases_are_those_of_the_newest_scan_and_statements_follow(
    ci: APIClient, project: Project
):
    built(project, 1)
    scanned(ci, report(1, vulnerability("GHSA-1", VendorIDs=["GHSA-2"])))
    told(ci, openvex(stated("CVE-1")))
    assert states() == {"GHSA-1": "open"}
    scanned(ci, report(1, vulnerability("GHSA-1", VendorIDs=["CVE-1"])))
    assert Finding.objects.get().aliases == ["CVE-1"]
    assert states() == {"GHSA-1": "not_affected"}


def test_a_finding_that_comes_back_is_what_the_newest_scan_says(ci: APIClient, project: Project):
    built(project, 1)
    scanned(ci, report(1, vulnerability("GHSA-1", Severity="MEDIUM")))
    scanned(ci, report(1))
    named = vulnerability("GHSA-1", Severity="CRITICAL", VendorIDs=["CVE-1"])
    scanned(ci, report(1, named))
    back = Finding.objects.get()
    assert (back.get_severity_display(), back.aliases) == ("CRITICAL", ["CVE-1"])
    assert back.times_reopened == 1
