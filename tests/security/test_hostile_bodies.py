"""Bodies that are too large, too deep, or hold what nobody can keep: a sentence, and no crash."""

import json
from io import BytesIO
from typing import Any

import pytest
from django.test import Client
from rest_framework.exceptions import APIException
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Scope
from buildinsights.parsers import BoundedJSONParser
from ingest import trivy
from tests.inspections.making import check, linted, looked
from tests.security.test_life import built, report, scanned, vulnerability
from tests.security.test_reports import send
from tests.trust.making import result

JSON_PATHS = ("verifications", "policies", "trust-policies", "inspections", "lint-rules")


@pytest.mark.django_db
@pytest.mark.parametrize("path", JSON_PATHS)
def test_no_more_of_a_document_is_read_than_it_may_have(api_of: Any, path: str):
    sender = api_of(*Scope)
    body = b'{"name": "' + b"x" * (4 * 1024**2) + b'"}'
    answer = sender.post(f"/api/v1/{path}/", body, content_type="application/json")
    assert (answer.status_code, "at most" in answer.content.decode()) == (413, True)
    answer = sender.post(f"/api/v1/{path}/", b"[" * 100_000, content_type="application/json")
    assert answer.status_code == 400


def test_the_rest_of_a_body_that_is_too_large_stays_unread():
    stream = BytesIO(b" " * (BoundedJSONParser.most_bytes + 1_000))
    with pytest.raises(APIException, match="at most 4194304 bytes"):
        BoundedJSONParser().parse(stream)
    assert stream.tell() == BoundedJSONParser.most_bytes + 1


NASTY = [
    "\0",
    "\ud800",
    "\u202egpj.exe",
    "\x1b]0;owned\x07\x1b[2J",
    "<script>alert(1)</script>",
    "javascript:alert(1)",
    '"><img src=x onerror=alert(1)>',
    "=cmd|' /C calc'!A0",
    "../../../etc/passwd",
    "{{ 7*7 }}{% debug %}",
    "[x](javascript:alert(1))",
    "x" * 100_000,
]


def hostile_report(text: str) -> dict[str, Any]:
    """A report with one text in every field that has texts, and of the right shape."""
    document = json.loads(report(1, vulnerability("CVE-1")))
    document["ArtifactName"] = document["Results"][0]["Target"] = text
    found = document["Results"][0]["Vulnerabilities"][0]
    for name in ("VulnerabilityID", "PkgName", "PkgPath", "InstalledVersion", "FixedVersion"):
        found[name] = f"{text}{name}"
    for name in ("Title", "Description", "PrimaryURL", "Status", "SeveritySource", "Severity"):
        found[name] = text
    found |= {"PkgIdentifier": {"PURL": text}, "References": [text], "VendorIDs": [text]}
    found |= {"Layer": {"Digest": text, "DiffID": text}, "CVSS": {text: {"V3Vector": text}}}
    document["Results"] += [
        {
            "Target": text,
            "Class": "config",
            "Misconfigurations": [
                {"ID": text, "Title": text, "Message": text, "Status": "FAIL", "PrimaryURL": text}
            ],
        },
        {
            "Target": text,
            "Class": "secret",
            "Secrets": [{"RuleID": text, "Title": text, "Match": text, "Severity": "HIGH"}],
        },
        {
            "Target": text,
            "Class": "license",
            "Licenses": [{"PkgName": text, "Name": text, "FilePath": text, "Link": text}],
        },
    ]
    document["Metadata"]["OS"] = {"Family": text, "Name": text}
    document["Trivy"] = {"Version": text}
    return document


@pytest.mark.django_db
@pytest.mark.parametrize("text", NASTY, ids=[repr(text[:12]) for text in NASTY])
def test_hostile_text_in_every_field_is_kept_and_shown_inert(
    ci: APIClient, project: Project, client: Client, alice: User, text: str
):
    built(project, 1)
    scan = scanned(ci, json.dumps(hostile_report(text)).encode())
    client.force_login(alice)
    pages = [scan.get_absolute_url(), "/projects/shop/findings/"]
    rows = ci.get("/api/v1/findings/").json()["results"]
    assert len(rows) == 4
    pages += [f"/projects/shop/findings/{row['id']}/" for row in rows]
    for page in pages:
        answer = client.get(page)
        told = answer.content.decode()
        assert answer.status_code == 200
        assert "<script>alert" not in told
        assert "<img src=x" not in told
        assert 'href="javascript:' not in told
        assert not {"\x1b", "\x07", "\u202e"} & set(told)
    for row in rows:
        assert ci.get(f"/api/v1/findings/{row['id']}/").status_code == 200


@pytest.mark.django_db
def test_a_report_of_too_many_findings_is_refused_in_a_sentence(
    ci: APIClient, project: Project, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(trivy, "MOST_FINDINGS", 2)
    built(project, 1)
    scanned(ci, report(1, vulnerability("CVE-1"), vulnerability("CVE-2")))
    answer = send(ci, report(1, *(vulnerability(f"CVE-{number}") for number in range(3))))
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error["message"] == "It lists 3 findings, and 2 are the most that are kept."


@pytest.mark.django_db
def test_who_has_an_account_elsewhere_is_not_told(
    ci: APIClient, project: Project, client: Client, alice: User, carol: User
):
    built(project, 1)
    scanned(ci, report(1, vulnerability("CVE-1")))
    [row] = ci.get("/api/v1/findings/").json()["results"]
    client.force_login(alice)
    answers = []
    for name in (carol.username, "nobody-at-all"):
        address = f"/projects/shop/findings/{row['id']}/owner/"
        answer = client.post(address, {"owner": name}, follow=True)
        answers.append((answer.status_code, [str(item) for item in answer.context["messages"]]))
    assert answers[0] == answers[1]
    assert answers[0][0] == 200
    assert answers[0][1]


NUMBERS = ["NaN", "Infinity", "1e999", "-1", str(2**63), "1" * 4_000]


@pytest.mark.django_db
@pytest.mark.parametrize("text", [*NASTY, *NUMBERS], ids=lambda text: repr(text[:12]))
def test_results_with_hostile_values_are_kept_or_refused(api_of: Any, project: Project, text: str):
    ci = api_of(*Scope)
    value = '"@"' if text in NUMBERS else json.dumps(text)
    documents = {
        "inspections": looked(None, check("user"), config={"user": "@", "labels": {"@": "@"}})
        | {"image": "@", "service": "@"},
        "lint-rules": linted(service="@", target="@", revision="@"),
        "verifications": result(facts={"@": "@", "signed_by": ["@"]}, inputs={"a": "@"}),
    }
    for path, document in documents.items():
        body = json.dumps(document)
        if text in NUMBERS:
            body = body.replace('"@":', '"n":').replace(value, text)
        else:
            body = body.replace('"@"', value)
        answer = ci.post(f"/api/v1/{path}/", body, content_type="application/json")
        assert (path, answer.status_code in {200, 201, 400}) == (path, True)
