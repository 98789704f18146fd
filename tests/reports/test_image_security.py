"""The security of one image: its layers, what was found in each, and who vouches for it."""

from typing import Any

import pytest
import time_machine
from rest_framework.test import APIClient

from accounts.models import Project, User
from builds.models import Image
from reports.image_security import image_security_page
from tests.inspections.making import check, looked
from tests.security.test_life import built, digest, report
from tests.security.test_remediation import created, found
from tests.security.test_waivers import NOW, arrived
from tests.trust.making import result

pytestmark = pytest.mark.django_db


def address(number: int) -> str:
    return f"/projects/shop/images/{digest(number)}/security/"


def counts(severities: list[dict[str, Any]]) -> dict[str, int]:
    return {item["label"]: item["count"] for item in severities}


def told(project: Project, number: int) -> dict[str, Any]:
    image = Image.objects.select_related("project").get(project=project, digest=digest(number))
    return image_security_page(image)


def test_findings_are_told_layer_by_layer(ci: APIClient, project: Project):
    built(project, 1)
    there = [
        found("CVE-1", "CRITICAL"),
        found("CVE-2"),
        found("CVE-3", Layer={"Digest": digest(8001)}),
        found("CVE-4", Layer={"Digest": digest(1234)}),
    ]
    with time_machine.travel(NOW, tick=False):
        arrived(ci, report(1, *there, **created(NOW)))
    page = told(project, 1)
    assert [(item["row"].digest, counts(item["severities"])) for item in page["layers"]] == [
        (digest(9000), {"Critical": 1, "High": 1}),
        (digest(8001), {"High": 1}),
    ]
    assert counts(page["elsewhere"]) == {"High": 1}
    assert counts(page["counts"]) == {"Critical": 1, "High": 3}
    assert page["findings"][0]["finding"].name == "CVE-1"


def test_an_older_image_has_what_was_there_then(ci: APIClient, project: Project):
    for number in (1, 2):
        built(project, number)
    with time_machine.travel(NOW, tick=False) as clock:
        arrived(ci, report(1, found("CVE-1"), found("CVE-2"), **created(NOW)))
        clock.shift(3600)
        arrived(ci, report(2, found("CVE-2"), found("CVE-3"), **created(NOW)))
        clock.shift(3600)
        late = arrived(ci, report(1, found("CVE-9"), **created(NOW)))
        assert late.is_late
    assert {row["finding"].name for row in told(project, 2)["findings"]} == {"CVE-2", "CVE-3"}
    late.delete()
    older = told(project, 1)["findings"]
    assert {row["finding"].name for row in older} == {"CVE-1", "CVE-2"}


def test_a_late_scan_has_no_findings_and_the_page_says_so(
    ci: APIClient, project: Project, client_of: Any, bob: User
):
    for number in (1, 2):
        built(project, number)
    with time_machine.travel(NOW, tick=False):
        arrived(ci, report(2, **created(NOW)))
        arrived(ci, report(1, found("CVE-1"), **created(NOW)))
    assert told(project, 1)["found"] == 0
    page = client_of(bob).get(address(1)).content.decode()
    assert "a newer image had been scanned before" in page


def test_all_that_is_known_is_on_the_page(
    ci: APIClient, project: Project, client_of: Any, alice: User, bob: User
):
    built(project, 1)
    with time_machine.travel(NOW, tick=False):
        arrived(ci, report(1, found("CVE-1", title="<script>x</script>"), **created(NOW)))
        ci.post("/api/v1/inspections/", looked(1, check("user")), format="json")
        ci.get(f"/api/v1/images/{digest(1)}/verdict/?environment=production")
        sent = result(digest=digest(1)) | {"verified_at": f"{NOW:%Y-%m-%dT%H:%M:%SZ}"}
        api = "/api/v1/verifications/?project=shop"
        made = client_of(alice).post(api, sent, content_type="application/json")
        assert made.status_code in {200, 201}
        page = client_of(bob).get(address(1)).content.decode()
    for text in (
        "About user",
        "1 HIGH vulnerability; none may be.",
        "From source to image",
        "https://ci.example.com/runner",
        "pkg:docker/alpine@3",
        "No SBOM of this image",
        f"/projects/shop/images/{digest(1)}/",
    ):
        assert text in page
    assert "<script>x" not in page
    sizes = client_of(bob).get(f"/projects/shop/images/{digest(1)}/").content.decode()
    assert address(1) in sizes


def test_an_image_without_anything_says_what_to_do(client_of: Any, project: Project, bob: User):
    built(project, 1)
    page = client_of(bob).get(address(1)).content.decode()
    for command in ("scan IMAGE", "inspect IMAGE", "sbom IMAGE", "check IMAGE", "verify IMAGE"):
        assert f"buildinsights {command}" in page


def test_it_is_the_projects_own(client_of: Any, project: Project, carol: User, bob: User):
    built(project, 1)
    assert client_of(carol).get(address(1)).status_code == 404
    assert client_of(bob).get(address(2)).status_code == 404
    built(Project.objects.get(name="Elsewhere"), 3)
    assert client_of(bob).get(address(3)).status_code == 404
