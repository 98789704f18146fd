"""The vulnerability assessment: the same numbers on the page, as JSON, CSV and PDF."""

import csv
import io
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from pypdf import PdfReader
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Scope
from builds.models import Service
from reports import assessment
from reports.assessment import FindingLine, WaiverLine, assessment_of
from reports.assessment_pdf import as_pdf
from security.models import Finding
from security.remediation import RemediationForm
from tests.builds.test_api import budget
from tests.reports.test_security_overview import DAY, lived, spread
from tests.security.conftest import dave
from tests.security.test_life import built, report
from tests.security.test_remediation import created, found
from tests.security.test_waivers import NOW, arrived, waived

__all__ = ["dave"]

pytestmark = pytest.mark.django_db

API = "/api/v1/assessment/"
PAGE = "/projects/shop/assessment/"
HOSTILE = '<b>&amp;</b> <font size="99">x</font> <img src="file:///etc/passwd"/> </para>'
FOREIGN = "Привет 世界 🐳 עברית\u202egnp.exe"


def text_of(document: bytes) -> str:
    """Return what can be read in a PDF, its white space made one."""
    pages = PdfReader(io.BytesIO(document)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def report_on(project: Project, **query: str) -> assessment.Assessment:
    return assessment_of(project, RemediationForm(project, query))


def test_numbers_are_those_that_are_worked_out_by_hand(
    ci: APIClient, project: Project, client_of: Any, alice: User, dave: User
):
    lived(ci, project)
    with time_machine.travel(NOW, tick=False):
        waived(client_of(alice), client_of(dave), Finding.objects.get(name="CVE-3"))
        answer = client_of(alice).get(f"{API}?project=shop&days=30").json()
    assert (answer["open"], answer["overdue"], answer["waived"], answer["fixed"]) == (2, 1, 1, 1)
    assert [
        (row["severity"], row["open"], row["came"], row["back"], row["went"], row["change"])
        for row in answer["severities"]
        if row["came"]
    ] == [("CRITICAL", 1, 1, 0, 0, 1), ("HIGH", 0, 2, 1, 2, 0), ("LOW", 1, 1, 0, 0, 1)]
    assert [row["name"] for row in answer["findings"]] == ["CVE-1", "CVE-4"]
    [waiver] = answer["waivers"]
    assert (waiver["name"], waiver["approved_by"]) == ("CVE-3", "dave")
    assert answer["coverage"] == {
        "images": 1,
        "scanned": 1,
        "trusted": 0,
        "with_sbom": 0,
        "inspected": 0,
        "passed": 0,
    }
    assert (answer["first"], answer["last"]) == ("2026-10-12", "2026-11-10")


def test_page_and_pdf_say_the_same(ci: APIClient, project: Project, client_of: Any, bob: User):
    lived(ci, project)
    browser = client_of(bob)
    with time_machine.travel(NOW, tick=False):
        page = browser.get(f"{PAGE}?days=30").content.decode()
        answer = browser.get(f"{API}?project=shop&days=30&format=pdf")
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"] == 'attachment; filename="assessment-shop.pdf"'
    told = text_of(answer.content)
    assert "3 findings are open, 1 of them overdue" in told
    for name in ("CVE-1", "CVE-3", "CVE-4"):
        assert name in page
        assert name in told
    assert "CVE-2" not in told
    assert "format=pdf" in page


def test_it_is_narrowed_to_a_service_and_an_environment(ci: APIClient, project: Project):
    with time_machine.travel(NOW, tick=False):
        spread(ci, project, range(1, 3))
        built(project, 9, environment="staging")
        arrived(ci, report(9, found("CVE-9"), **created(NOW)))
        assert report_on(project).open == 7
        assert report_on(project, service="s01").open == 3
        staging = report_on(project, environment="staging")
    assert [line.name for line in staging.findings] == ["CVE-9"]
    assert [image.name for image in staging.images] == ["api runtime staging"]


def test_what_was_not_scanned_is_named(ci: APIClient, project: Project):
    built(project, 1)
    built(project, 2, target="worker")
    with time_machine.travel(NOW, tick=False):
        more: Any = {"Trivy": {"Version": "0.68.1"}} | created(NOW)
        arrived(ci, report(1, **more))
        told = report_on(project)
    assert told.not_scanned == ["api worker production"]
    assert [(item.images, item.oldest_scan) for item in told.scanners] == [(1, NOW)]
    assert "Not scanned: api worker production." in text_of(as_pdf(told))


def test_a_long_list_is_cut_and_says_so_and_the_csv_has_all(
    ci: APIClient, project: Project, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(assessment, "MOST_FINDINGS", 2)
    built(project, 1)
    with time_machine.travel(NOW, tick=False):
        arrived(ci, report(1, *[found(f"CVE-{n}") for n in range(5)], **created(NOW)))
        told = report_on(project)
        table = ci.get(f"{API}?format=csv")
    assert (len(told.findings), told.left_off) == (2, 3)
    assert "The worst 2; 3 more are in the CSV." in text_of(as_pdf(told))
    assert table["Content-Type"].startswith("text/csv")
    body = b"".join(table.streaming_content).decode()
    rows = list(csv.DictReader(io.StringIO(body)))
    assert sorted(row["name"] for row in rows) == [f"CVE-{n}" for n in range(5)]
    assert rows[0]["severity"] == "HIGH"


def test_hostile_and_foreign_texts_are_text(
    ci: APIClient, project: Project, client_of: Any, bob: User
):
    built(project, 1)
    with time_machine.travel(NOW, tick=False):
        there = [found(HOSTILE), found(FOREIGN), found("CVE-3", FixedVersion="9" * 299)]
        arrived(ci, report(1, *there, **created(NOW)))
        Finding.objects.filter(name="CVE-3").update(package="=cmd|' /C calc'!A0" + "x" * 300)
        Service.objects.update(name="<i>" + "long" * 24)
        document = as_pdf(report_on(project))
        page = client_of(bob).get(PAGE).content.decode()
        body = b"".join(ci.get(f"{API}?format=csv").streaming_content).decode()
    told = text_of(document).replace(" ", "")
    assert HOSTILE.replace(" ", "") in told
    assert "Привет" in told
    assert "\u202e" not in told
    assert b"/URI" not in document
    assert "<font" not in page
    assert "&lt;font" in page
    assert {row["where"][:2] for row in csv.DictReader(io.StringIO(body))} == {"pk", "'="}


@pytest.mark.parametrize("sign", ["W", "世", "한", "🐳", "<", "\u202e", "\x07"])
def test_a_row_of_the_longest_texts_fits_on_a_page(project: Project, sign: str):
    long = {name: sign * 500 for name in ("name", "where", "fixed_version", "service", "origin")}
    line = FindingLine(
        severity="HIGH",
        title="",
        kind="",
        environments="",
        base="",
        owner="",
        first_seen_at=NOW,
        due_at=NOW,
        is_overdue=True,
        is_known_exploited=None,
        **long,
    )
    texts = {name: sign * 500 for name in ("name", "covers", "kind", "reason")}
    people = {name: sign * 150 for name in ("requested_by", "approved_by")}
    waiver = WaiverLine(approved_at=NOW, expires_at=NOW, **texts, **people)
    told = replace(report_on(project), findings=[line] * 2, waivers=[waiver], service=sign * 500)
    assert text_of(as_pdf(told)).count("overdue") == 3


def test_the_same_report_is_the_same_document(ci: APIClient, project: Project):
    lived(ci, project)
    with time_machine.travel(NOW, tick=False):
        first, second = as_pdf(report_on(project)), as_pdf(report_on(project))
    assert first == second
    with time_machine.travel(NOW + timedelta(minutes=1), tick=False):
        assert "12:01 UTC" in text_of(as_pdf(report_on(project)))


def test_nothing_is_a_report_too(project: Project):
    told = text_of(as_pdf(report_on(project)))
    assert "0 findings are open" in told
    assert "No build has made an image yet." in told


def test_a_wrong_question_is_refused_in_words(api: APIClient):
    for form in ("json", "pdf", "csv"):
        answer = api.get(f"{API}?days=5&service=nobody&format={form}")
        assert answer.status_code == 400
    answer = api.get(f"{API}?days=5&format=pdf")
    assert answer["Content-Type"] == "application/json"
    assert answer.json()["errors"][0]["attr"] == "days"


def test_it_is_for_readers_of_the_project(
    project: Project, client_of: Any, api_of: Any, carol: User, bob: User
):
    assert client_of(bob).get(PAGE).status_code == 200
    assert client_of(carol).get(PAGE).status_code == 404
    assert client_of(carol).get(f"{API}?project=shop").status_code == 400
    assert api_of(Scope.INGEST_WRITE).get(API).status_code == 403
    assert APIClient().get(API).status_code == 401


def test_ten_times_the_findings_cost_the_same(ci: APIClient, project: Project):
    with time_machine.travel(NOW + DAY, tick=False):
        spread(ci, project, range(1, 3))
        few = budget("api_assessment", API, ci)
        spread(ci, project, range(3, 21))
        assert budget("api_assessment", API, ci) == few
