"""The life of bills: come, wait, are the newest, and give way; in whatever order they come."""

import json
from base64 import b64encode
from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import Project
from sboms.models import PackageVersion, Sbom, SbomPackage
from sboms.tasks import match_sboms
from tests.sboms.bills import cyclonedx, send, sent, spdx, statement
from tests.security.making import START, built, digest

pytestmark = pytest.mark.django_db

OLD, NEW = "pkg:npm/left-pad@1.0.0", "pkg:npm/left-pad@1.3.0"
OTHER = "pkg:deb/debian/openssl@3.0.1?arch=amd64"


def periods() -> dict[int, tuple[Any, Any] | None]:
    """From and until when bills are in use, in hours from the start, by the build's number."""
    found = {}
    for sbom in Sbom.objects.select_related("build"):
        number = hours(sbom.since)
        found[number] = sbom.in_use and (hours(sbom.in_use.lower), hours(sbom.in_use.upper))
    return found


def hours(moment: Any) -> Any:
    return moment and (moment - START) / timedelta(hours=1)


def test_a_bill_is_kept_with_what_it_says(ci: APIClient, project: Project):
    build = built(project, 1)
    bill = sent(ci, cyclonedx(1, OLD, OTHER), image="shop/api:1")
    assert bill["service"] == "api"
    assert bill["build"] == str(build.public_id)
    assert bill["image_digest"] == digest(1)
    assert (bill["format"], bill["spec_version"]) == ("cyclonedx", "1.6")
    assert (bill["source"], bill["image_name"]) == ("uploaded", "shop/api:1")
    assert bill["package_count"] == 2
    assert (bill["is_waiting"], bill["in_use_until"]) == (False, None)
    assert bill["in_use_from"] == "2026-11-01T13:00:00Z"
    listed = ci.get(f"/api/v1/sboms/{bill['id']}/packages/").json()["results"]
    assert {row["package"]["name"]: row["is_direct"] for row in listed} == {
        "left-pad": True,
        "openssl": None,
    }


def test_the_same_bytes_are_the_same_bill(ci: APIClient, project: Project):
    built(project, 1)
    first = sent(ci, cyclonedx(1, OLD))
    again = sent(ci, cyclonedx(1, OLD), image="another-name")
    assert again["id"] == first["id"]
    assert Sbom.objects.count() == SbomPackage.objects.count() == 1


def test_the_same_bytes_of_two_services_without_an_image_are_two(ci: APIClient):
    one = sent(ci, spdx(("left-pad", OLD)), service="web")
    again = sent(ci, spdx(("left-pad", OLD)), service="web", image="named")
    other = sent(ci, spdx(("left-pad", OLD)), service="api")
    assert one["id"] == again["id"] != other["id"]
    assert PackageVersion.objects.count() == 1


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2), (2, 3, 1), (3, 2, 1)])
def test_images_follow_one_another_whatever_the_order_of_their_bills(
    ci: APIClient, project: Project, order: tuple[int, ...]
):
    for number in (1, 2, 3):
        built(project, number)
    for number in order:
        sent(ci, cyclonedx(number, f"pkg:npm/left-pad@1.{number}.0"))
    assert periods() == {1: (1, 2), 2: (2, 3), 3: (3, None)}
    in_use = SbomPackage.objects.filter(is_in_use=True)
    assert [row.package_version.version for row in in_use] == ["1.3.0"]


def test_branches_and_variants_do_not_follow_one_another(ci: APIClient, project: Project):
    built(project, 1)
    built(project, 2, variant="slim")
    built(project, 3, change_id="7")
    for number in (1, 2, 3):
        sent(ci, cyclonedx(number, OLD))
    assert periods() == {1: (1, None), 2: (2, None), 3: (3, None)}


def test_a_second_bill_of_the_same_image_takes_the_place_of_the_first(
    ci: APIClient, project: Project
):
    built(project, 1)
    first = sent(ci, cyclonedx(1, OLD))
    second = sent(ci, cyclonedx(1, OLD, OTHER))
    assert ci.get(f"/api/v1/sboms/{first['id']}/").json()["in_use_from"] is None
    assert second["in_use_from"] == "2026-11-01T13:00:00Z"
    assert SbomPackage.objects.filter(is_in_use=True).count() == 2


def test_a_bill_waits_for_the_build_of_its_image(ci: APIClient, project: Project):
    bill = sent(ci, cyclonedx(1, OLD))
    assert (bill["is_waiting"], bill["service"], bill["package_count"]) == (True, None, 1)
    assert not SbomPackage.objects.filter(is_in_use=True).exists()
    match_sboms()
    assert periods() == {None: None}
    built(project, 1)
    match_sboms()
    assert periods() == {1: (1, None)}
    assert SbomPackage.objects.filter(is_in_use=True).count() == 1
    told = ci.get(f"/api/v1/sboms/{bill['id']}/").json()
    assert (told["is_waiting"], told["service"]) == (False, "api")


def test_an_attestation_names_its_image(ci: APIClient, project: Project):
    built(project, 1)
    attested = statement(spdx(("left-pad", OLD)), 1)
    bill = sent(ci, attested)
    assert (bill["source"], bill["format"], bill["spec_version"]) == ("attestation", "spdx", "2.3")
    assert (bill["digests"], bill["tools"]) == ([digest(1)], ["syft-1.2"])
    envelope = {
        "payloadType": "application/vnd.in-toto+json",
        "payload": b64encode(json.dumps(statement(cyclonedx(None, OLD), 1)).encode()).decode(),
        "signatures": [],
    }
    bill = sent(ci, envelope)
    assert (bill["source"], bill["format"]) == ("attestation", "cyclonedx")
    assert bill["digests"] == [digest(1)]


@pytest.mark.parametrize(
    ("document", "parameters", "code", "place"),
    [
        (b"no json", {"service": "api"}, 422, "sbom"),
        ({}, {"service": "api"}, 422, "sbom"),
        ([], {"service": "api"}, 422, "sbom"),
        ({"spdxVersion": "SPDX-3.0"}, {"service": "api"}, 422, "sbom/spdxVersion"),
        (
            {"bomFormat": "CycloneDX", "specVersion": "2.0"},
            {"service": "api"},
            422,
            "sbom/specVersion",
        ),
        ({"predicateType": "https://slsa.dev/provenance/v1"}, {}, 422, "sbom/predicateType"),
        ({"payloadType": "x", "payload": "?"}, {}, 422, "sbom/payload"),
        (spdx(), {}, 422, "service"),
        (spdx(), {"digest": "latest"}, 400, "digest"),
        (spdx(), {"sevice": "api"}, 400, "sevice"),
        (b"", {"service": "api"}, 400, "body"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(
    ci: APIClient, document: Any, parameters: dict[str, str], code: int, place: str
):
    answer = send(ci, document, **parameters)
    assert answer.status_code == code, answer.content
    [error] = answer.json()["errors"]
    assert (error.get("path") or error.get("attr")) == place
    assert not Sbom.objects.exists()


def test_misshapen_packages_are_named_and_the_others_kept(ci: APIClient):
    document = cyclonedx(None, OLD)
    document["components"] += [{"type": "library", "name": 7}, "text"]
    bill = sent(ci, document, service="api")
    assert bill["package_count"] == 1
    assert bill["problems"] == [
        "sbom/components[1]: name is a number, expected text",
        "sbom/components[2]: text, expected an object",
    ]
