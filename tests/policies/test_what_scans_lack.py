"""Verdicts where scans and inspections of an image left something out, or do not agree."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import Project, User
from builds.models import Build, BuildImage, Image
from tests.inspections.making import check, looked, taken
from tests.policies.test_verdicts import ask, rules
from tests.policies.writing import saved
from tests.security.making import built, digest, report, scanned, vulnerability
from tests.security.test_narrowing import DEBIAN, LIBRARIES, LICENSES, sbom

pytestmark = pytest.mark.django_db

INDEX, ARM = digest(77), digest(88)
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
NOBODY_LOOKED = "No scan of this image looked for vulnerabilities for linux/amd64."
UNREAD = "Parts of the report could not be read."


def messages(answer: Any) -> list[str]:
    return [reason["message"] for reason in answer.data["reasons"]]


def made_for_two_platforms(project: Project) -> None:
    """A build of which image 1 is for amd64, and another one for arm64."""
    build = built(project, 1)
    Build.objects.filter(pk=build.pk).update(image_digest=INDEX)
    for text, platform, kind in ((INDEX, "", INDEX_TYPE), (ARM, "linux/arm64", "")):
        image = Image.objects.create(
            project=project, digest=text, platform=platform, media_type=kind
        )
        BuildImage.objects.create(build=build, image=image)


def of_arm(at: str) -> dict[str, Any]:
    config = {"architecture": "arm64", "os": "linux"}
    metadata = {"RepoDigests": [f"shop/api@{INDEX}"], "ImageConfig": config}
    return {"Metadata": metadata, "CreatedAt": at}


@pytest.mark.parametrize("body", [sbom(1), report(1, Results=LICENSES)], ids=["SBOM", "licences"])
def test_packages_alone_are_no_clean_scan(ci: APIClient, project: Project, body: bytes):
    built(project, 1)
    scanned(ci, body)
    assert messages(ask(ci)) == [NOBODY_LOOKED]
    scanned(ci, body, scanners="vuln")
    assert ask(ci).data["verdict"] == "pass"


def test_a_report_of_which_a_part_cannot_be_read_is_not_clean(ci: APIClient, project: Project):
    built(project, 1)
    scanned(ci, report(1, vulnerability("CVE-1", Title=5)))
    answer = ask(ci)
    assert rules(answer) == [("vulnerabilities", "unknown")] * 2
    assert set(messages(answer)) == {UNREAD}
    scanned(ci, report(1, vulnerability("CVE-1", Title=5), vulnerability("CVE-2")))
    assert ask(ci).data["verdict"] == "fail"


@pytest.mark.parametrize(
    ("parameters", "verdict", "told"),
    [
        ({}, "unknown", "The system's packages are not in it."),
        ({"pkg_types": "library"}, "unknown", "The scan did not look at os-pkgs."),
        ({"pkg_types": "os"}, "unknown", "The scan did not look at lang-pkgs."),
        ({"pkg_types": "os,library"}, "pass", ""),
    ],
)
def test_packages_that_were_not_looked_at_are_not_clean(
    ci: APIClient, project: Project, parameters: dict[str, str], verdict: str, told: str
):
    built(project, 1)
    scanned(ci, report(1, Metadata=DEBIAN, Results=LIBRARIES), **parameters)
    answer = ask(ci)
    assert answer.data["verdict"] == verdict
    assert set(messages(answer)) == ({told} if told else set())


def test_severities_that_are_stated_do_not_hide_what_else_was_left_out(
    ci: APIClient, project: Project
):
    """Made with --ignore-unfixed, of which its sender says nothing."""
    built(project, 1)
    low = vulnerability("CVE-8", Severity="LOW")
    fixable = vulnerability("CVE-9", Severity="MEDIUM", FixedVersion="2")
    unfixed = [vulnerability(f"CVE-{number}") for number in range(3)]
    scanned(ci, report(1, low, fixable, *unfixed, CreatedAt="2026-11-02T00:00:00Z"))
    body = report(1, fixable, CreatedAt="2026-11-03T00:00:00Z")
    scanned(ci, body, severities="MEDIUM,HIGH,CRITICAL")
    answer = ask(ci)
    assert answer.data["verdict"] == "unknown"
    assert all(message.startswith("Nothing without a fix") for message in messages(answer))


def test_rules_of_what_has_a_fix_pass_though_the_rest_was_left_out(
    ci: APIClient, project: Project, alice: User
):
    text = """
vulnerabilities: [{severity: HIGH, most: 0, fixable_only: true}]
misconfigurations: [{severity: HIGH, most: 0}]
"""
    saved(project, alice, "Fixable", text, is_default=True)
    built(project, 1)
    both = {"scanners": "vuln,misconfig"}
    body = report(1, vulnerability("CVE-1"), CreatedAt="2026-11-02T00:00:00Z")
    scanned(ci, body, **both)
    body = report(1, CreatedAt="2026-11-03T00:00:00Z")
    scan = scanned(ci, body, ignore_unfixed="true", **both)
    assert scan.narrowed_by == "Findings without a fix were left out."
    assert ask(ci).data["verdict"] == "pass"


@pytest.mark.parametrize("newer", ["amd64", "arm64"])
def test_of_platforms_the_worst_severity_counts(ci: APIClient, project: Project, newer: str):
    made_for_two_platforms(project)
    days = {name: "09" if name == newer else "02" for name in ("amd64", "arm64")}
    found = {
        name: vulnerability("CVE-1", Severity="CRITICAL", FixedVersion="1.1")
        if name == newer
        else vulnerability("CVE-1", Severity="MEDIUM")
        for name in days
    }
    scanned(ci, report(1, found["amd64"], CreatedAt=f"2026-11-{days['amd64']}T00:00:00Z"))
    scanned(ci, report(1, found["arm64"], **of_arm(f"2026-11-{days['arm64']}T00:00:00Z")))
    (reason,) = ci.get(f"/api/v1/images/{INDEX}/verdict/").data["reasons"]
    assert reason["message"] == "1 CRITICAL vulnerability; none may be."
    assert reason["evidence"] == ["CVE-1 (CRITICAL) in pkg:deb/debian/openssl, fixed in 1.1"]


def test_a_check_that_one_platform_lacks_is_not_kept(ci: APIClient, project: Project, alice: User):
    text = "checks: {required: [setuid, shell]}"
    saved(project, alice, "Checked", text, is_default=True)
    made_for_two_platforms(project)
    taken(ci, looked(1, check("setuid", "pass"), check("shell", "pass")))
    digests = {"config": "", "manifest": ARM, "index": ""}
    taken(ci, looked(1, check("shell", "pass"), digests=digests, platform="linux/arm64"))
    answer = ci.get(f"/api/v1/images/{INDEX}/verdict/")
    assert messages(answer) == ["Not decided: setuid."]
