"""Statements go in over HTTP and decide on findings; what we state ourselves is read again."""

import json
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import Project, User
from security.models import Finding, FindingEvent, VexDocument, VexStatement
from supplychain.vex.model import Status
from supplychain.vex.reading import read_vex
from tests.security.making import built, digest, report, scanned, states, vulnerability

pytestmark = pytest.mark.django_db

OPENSSL = "pkg:deb/debian/openssl@1.0"


def openvex(*statements: dict[str, Any], **more: Any) -> dict[str, Any]:
    head = {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://vendor.example/vex/1",
        "author": "Vendor",
        "timestamp": "2026-11-01T12:00:00Z",
        "version": 1,
    }
    return head | {"statements": list(statements)} | more


def stated(name: str, status: str = "not_affected", *products: Any, **more: Any) -> dict[str, Any]:
    listed = [
        {"@id": product} if isinstance(product, str) else product
        for product in products or (OPENSSL,)
    ]
    return {"vulnerability": {"name": name}, "status": status, "products": listed} | more


def image(number: int, *packages: str) -> dict[str, Any]:
    parts = [{"@id": package} for package in packages]
    return {"@id": f"pkg:oci/api@{digest(number)}", "subcomponents": parts}


def told(ci: APIClient, document: dict[str, Any], **parameters: str) -> Any:
    query = "".join(f"&{name}={value}" for name, value in parameters.items())
    answer = ci.post(f"/api/v1/ingest/vex/?sync=1{query}", document, format="json")
    assert answer.status_code == 201, answer.content
    [made] = answer.json()["documents"]
    return ci.get(made["url"]).json()


def test_a_statement_decides_on_what_it_is_about(ci: APIClient, project: Project):
    built(project, 1)
    found = [vulnerability("CVE-1"), vulnerability("CVE-2"), vulnerability("CVE-3", "curl")]
    scanned(ci, report(1, *found))
    document = told(
        ci,
        openvex(
            stated("CVE-1", justification="vulnerable_code_not_present"),
            stated("CVE-2", "affected", action_statement="Upgrade."),
            stated("CVE-3"),
            stated("CVE-9"),
        ),
    )
    assert states() == {"CVE-1": "not_affected", "CVE-2": "open", "CVE-3": "open"}
    # CVE-3 is of another package, and CVE-9 of none that is here: kept, and decide on nothing.
    matched = {item["names"][0]: item["findings"] for item in document["statements"]}
    assert matched == {"CVE-1": 1, "CVE-2": 1, "CVE-3": 0, "CVE-9": 0}
    events = FindingEvent.objects.filter(kind="stated").values_list("finding__name", flat=True)
    assert sorted(events) == ["CVE-1", "CVE-2"]


@pytest.mark.parametrize(
    ("product", "state"),
    [
        ("pkg:deb/debian/openssl", "not_affected"),
        (OPENSSL, "not_affected"),
        ("pkg:deb/debian/openssl@1.1", "open"),
        ("pkg:deb/ubuntu/openssl@1.0", "open"),
        (image(1, OPENSSL), "not_affected"),
        (image(1), "not_affected"),
        (image(2, OPENSSL), "open"),
        (image(1, "pkg:deb/debian/curl"), "open"),
        (image(1, "not a package"), "open"),
        ({"@id": "pkg:oci/api", "subcomponents": [{"@id": OPENSSL}]}, "not_affected"),
        ({"@id": "pkg:oci/web", "subcomponents": [{"@id": OPENSSL}]}, "open"),
        ({"@id": "https://vendor.example/product"}, "open"),
        ({"@id": "pkg:maven/shop/api", "subcomponents": [{"@id": OPENSSL}]}, "open"),
    ],
)
def test_which_product_a_finding_is_of(ci: APIClient, project: Project, product: Any, state: str):
    built(project, 1)
    scanned(ci, report(1, vulnerability("CVE-1")))
    told(ci, openvex(stated("CVE-1", "not_affected", product)))
    assert states() == {"CVE-1": state}


def test_a_sender_may_say_of_which_service_a_document_is(ci: APIClient, project: Project):
    scanned(ci, report(None, vulnerability("CVE-1")), service="api")
    scanned(ci, report(None, vulnerability("CVE-1")), service="web")
    product = {"@id": "https://shop.example/api", "subcomponents": [{"@id": OPENSSL}]}
    told(ci, openvex(stated("CVE-1", "fixed", product)), service="api")
    rows = Finding.objects.values_list("service__slug", "state")
    assert dict(rows) == {"api": "not_affected", "web": "open"}


def test_the_newest_statement_counts(ci: APIClient, project: Project):
    built(project, 1)
    scanned(ci, report(1, vulnerability("CVE-1")))
    told(ci, openvex(stated("CVE-1", timestamp="2026-11-05T00:00:00Z")))
    # Of another document, and older than the statement that is known.
    other = {"@id": "https://vendor.example/vex/2"}
    told(ci, openvex(stated("CVE-1", "affected", timestamp="2026-11-04T00:00:00Z"), **other))
    assert states() == {"CVE-1": "not_affected"}
    third = {"@id": "https://vendor.example/vex/3"}
    told(ci, openvex(stated("CVE-1", "affected", timestamp="2026-11-06T00:00:00Z"), **third))
    assert states() == {"CVE-1": "open"}


def test_a_newer_version_takes_the_place_of_a_document(ci: APIClient, project: Project):
    built(project, 1)
    scanned(ci, report(1, vulnerability("CVE-1"), vulnerability("CVE-2")))
    told(ci, openvex(stated("CVE-1")))
    told(ci, openvex(stated("CVE-2"), version=3))
    assert states() == {"CVE-1": "open", "CVE-2": "not_affected"}
    late = told(ci, openvex(stated("CVE-1"), version=2))
    assert late["is_superseded"] is True
    assert states() == {"CVE-1": "open", "CVE-2": "not_affected"}
    assert VexDocument.objects.filter(is_superseded=True).count() == 2


def test_a_statement_about_one_image_does_not_outlast_it(ci: APIClient, project: Project):
    built(project, 1), built(project, 2)
    told(ci, openvex(stated("CVE-1", "not_affected", image(1, OPENSSL))))
    scanned(ci, report(1, vulnerability("CVE-1")))
    assert states() == {"CVE-1": "not_affected"}
    scan = scanned(ci, report(2, vulnerability("CVE-1")))
    assert (scan.came, scan.went) == (0, 0)
    assert states() == {"CVE-1": "open"}
    kinds = FindingEvent.objects.order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["opened", "stated", "statement_left"]


def test_an_upgrade_takes_a_finding_out_of_a_statement_of_one_version(
    ci: APIClient, project: Project
):
    built(project, 1), built(project, 2)
    scanned(ci, report(1, vulnerability("CVE-1")))
    told(ci, openvex(stated("CVE-1")))
    scanned(ci, report(2, vulnerability("CVE-1", InstalledVersion="1.1")))
    assert states() == {"CVE-1": "open"}


@pytest.mark.parametrize(
    ("body", "code", "place"),
    [
        (b"{}", 422, "document"),
        (b"nothing", 422, "document"),
        (b"", 400, "body"),
        (json.dumps(openvex(stated("CVE-1", "fine"))).encode(), 422, "document"),
    ],
)
def test_what_is_no_document_is_refused_with_its_place(
    ci: APIClient, body: bytes, code: int, place: str
):
    answer = ci.generic("POST", "/api/v1/ingest/vex/?sync=1", body, "application/json")
    assert answer.status_code == code
    [error] = answer.json()["errors"]
    assert (error.get("path") or error.get("attr")) == place
    assert not VexDocument.objects.exists()


@pytest.mark.parametrize("form", ["openvex", "cyclonedx"])
def test_what_we_state_is_read_again(ci: APIClient, project: Project, form: str):
    built(project, 1)
    scanned(ci, report(1, vulnerability("CVE-1"), vulnerability("CVE-2", "curl")))
    said = {"justification": "vulnerable_code_not_present"}
    told(ci, openvex(stated("CVE-1", **said)))
    answer = ci.get(f"/api/v1/vex/?service=api&format={form}")
    assert answer.status_code == 200
    document = read_vex(answer.content)
    assert document.author == "Shop"
    found = {item.vulnerability: item for item in document.statements}
    assert {name: item.status for name, item in found.items()} == {
        "CVE-1": Status.NOT_AFFECTED,
        "CVE-2": Status.UNDER_INVESTIGATION,
    }
    [product] = found["CVE-2"].products
    assert (product.package, product.version, product.image, product.image_digest) == (
        "pkg:deb/debian/curl",
        "1.0",
        "shop/api",
        digest(1),
    )
    # Whoever gets it, and has the same image, is told the same.
    VexDocument.objects.all().delete()
    assert states()["CVE-1"] == "not_affected"
    told(ci, json.loads(answer.content))
    assert states() == {"CVE-1": "not_affected", "CVE-2": "open"}
    assert VexStatement.objects.filter(findings__isnull=False).count() == 2


def test_documents_of_another_project_are_not_there(
    ci: APIClient, project: Project, carol: User, client_of: Any
):
    built(project, 1)
    document = told(ci, openvex(stated("CVE-1")))
    browser = client_of(carol)
    assert browser.get(f"/api/v1/vex/documents/{document['id']}/").status_code == 404
    assert browser.get("/api/v1/vex/documents/").json()["results"] == []
    assert browser.get("/api/v1/vex/?service=api").status_code == 404
