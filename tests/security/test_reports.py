"""Real reports go in over HTTP and come out counted right; bad ones are refused by their place."""

import json
from pathlib import Path

import pytest
from rest_framework.test import APIClient

from security.models import Finding, Scan, Severity
from supplychain.reports import model as reports
from tests.conftest import SHARED_FIXTURES
from tests.security.making import send

pytestmark = pytest.mark.django_db

NOT_COUNTED = ("trivy-cyclonedx", "trivy-sarif", "trivy-k8s", "trivy-operator")
"""Files that ``expected.json`` leaves out: other formats, and what is refused."""


@pytest.fixture(scope="session")
def trivy_fixtures() -> Path:
    """The folder of real reports; tests that need it are skipped without it."""
    folder = SHARED_FIXTURES / "trivy"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    return folder


def nonzero(counts: dict[str, int]) -> dict[str, int]:
    return {key: count for key, count in counts.items() if count}


def test_severities_are_those_of_reports_in_their_order():
    assert [(level.label, level.value) for level in Severity] == [
        (level.value, level.rank) for level in reports.Severity
    ]


def test_all_reports_have_the_expected_totals(ci: APIClient, trivy_fixtures: Path):
    expected = json.loads((trivy_fixtures / "expected.json").read_text())
    own = {path.name for path in trivy_fixtures.glob("trivy-*.json")}
    assert set(expected) == {name for name in own if not name.startswith(NOT_COUNTED)}
    for name, wanted in expected.items():
        answer = send(ci, (trivy_fixtures / name).read_bytes(), service=name[:60])
        assert answer.status_code == 201, (name, answer.content)
        [made] = answer.json()["scans"]
        scan = ci.get(made["url"]).json()
        found = {kind: nonzero(counts) for kind, counts in scan["counts"].items()}
        assert found == {
            kind: wanted[kind]
            for kind in ("vulnerabilities", "misconfigurations", "secrets", "licenses")
        }, name
        assert scan["distinct_vulnerabilities"] == wanted["distinct"], name
        assert scan["packages"] == wanted["packages"], name
        assert scan["problems"] == [], name


def test_every_file_of_the_folder_is_read_or_refused_in_a_sentence(
    ci: APIClient, trivy_fixtures: Path
):
    states = {}
    for path in sorted(trivy_fixtures.glob("trivy-*.json")):
        answer = send(ci, path.read_bytes(), service="any")
        states[path.name] = answer.status_code
        if answer.status_code == 422:
            [error] = answer.json()["errors"]
            assert error["path"].startswith("report"), path.name
            assert len(error["message"].split()) > 5, path.name
    refused = {name for name, code in states.items() if code != 201}
    assert refused == {name for name in states if name.startswith(("trivy-k8s", "trivy-operator"))}


@pytest.mark.parametrize(
    ("body", "parameters", "code", "place"),
    [
        (b"{}", {"service": "api"}, 422, "report"),
        (b"not json", {"service": "api"}, 422, "report"),
        (b"", {"service": "api"}, 400, "body"),
        (b"{}", {"digest": "latest"}, 400, "digest"),
        (b"{}", {"severities": "HIGH,AWFUL"}, 400, "severities"),
        (b"{}", {"scanners": "vuln,nose"}, 400, "scanners"),
        (b"{}", {"sevice": "api"}, 400, "sevice"),
        (b'{"SchemaVersion": 2, "ArtifactName": "x"}', {}, 422, "service"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(
    ci: APIClient, body: bytes, parameters: dict[str, str], code: int, place: str
):
    answer = send(ci, body, **parameters)
    assert answer.status_code == code, answer.content
    errors = answer.json()["errors"]
    places = {error.get("path") or error.get("attr") for error in errors}
    assert any(str(found).startswith(place) for found in places), errors
    assert not Scan.objects.exists()


def test_a_secret_is_kept_as_a_fingerprint(ci: APIClient):
    match = "ghp_" + "q8Zr" * 9
    secret = {
        "RuleID": "github-pat",
        "Category": "GitHub",
        "Severity": "CRITICAL",
        "Title": "GitHub token",
        "StartLine": 3,
        "EndLine": 3,
        "Match": f"token = {match}",
        "Code": {"Lines": [{"Number": 3, "Content": match}]},
    }
    results = [{"Target": "/app/.env", "Class": "secret", "Secrets": [secret]}]
    report = {"SchemaVersion": 2, "ArtifactName": "shop", "Results": results}
    assert send(ci, json.dumps(report).encode(), service="shop").status_code == 201
    [finding] = Finding.objects.values()
    assert finding["name"] == "github-pat"
    assert match not in repr(finding)
    assert match not in repr(list(Scan.objects.values()))
