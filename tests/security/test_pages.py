"""Pages of findings and scans: whoever may see them, whatever is in a report, however many."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import Project, User
from security.models import Finding, Scan
from tests.security.making import built, report, scanned, vulnerability

pytestmark = pytest.mark.django_db

HOSTILE = "<script>alert(1)</script>"


def test_what_is_in_a_report_is_shown_inert(
    ci: APIClient, project: Project, bob: User, client_of: Any
):
    built(project, 1)
    found = vulnerability(
        HOSTILE, HOSTILE, Title=HOSTILE, PrimaryURL="javascript:alert(1)", InstalledVersion=HOSTILE
    )
    scan = scanned(ci, report(1, found, ArtifactName=HOSTILE))
    finding = Finding.objects.get()
    browser = client_of(bob)
    for address in (
        "/projects/shop/findings/",
        finding.get_absolute_url(),
        scan.get_absolute_url(),
    ):
        page = browser.get(address)
        assert page.status_code == 200
        text = page.content.decode()
        assert HOSTILE not in text
        assert "javascript:" not in text


def test_the_list_costs_the_same_whatever_its_length(
    ci: APIClient, project: Project, bob: User, client_of: Any
):
    built(project, 1)
    browser = client_of(bob)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert browser.get("/projects/shop/findings/").status_code == 200
        return len(captured)

    scanned(ci, report(1, vulnerability("CVE-0")))
    few = queries()
    scanned(ci, report(1, *(vulnerability(f"CVE-{number}") for number in range(60))))
    assert queries() == few


def test_open_ones_are_shown_unless_others_are_asked_for(
    ci: APIClient, project: Project, bob: User, client_of: Any
):
    built(project, 1)
    scanned(ci, report(1, vulnerability("CVE-1"), vulnerability("CVE-2")))
    scanned(ci, report(1, vulnerability("CVE-1"), CreatedAt="2026-11-03T00:00:00Z"))
    browser = client_of(bob)
    shown = browser.get("/projects/shop/findings/").content.decode()
    assert "CVE-1" in shown
    assert "CVE-2" not in shown
    fixed = browser.get("/projects/shop/findings/?state=fixed").content.decode()
    assert "CVE-2" in fixed
    everything = browser.get("/projects/shop/findings/?state=").content.decode()
    assert "CVE-1" in everything
    assert "CVE-2" in everything


def test_nobody_else_sees_them(ci: APIClient, project: Project, carol: User, client_of: Any):
    built(project, 1)
    scanned(ci, report(1, vulnerability("CVE-1")))
    browser = client_of(carol)
    for address in (
        "/projects/shop/findings/",
        Finding.objects.get().get_absolute_url(),
        Scan.objects.get().get_absolute_url(),
    ):
        assert browser.get(address).status_code == 404
