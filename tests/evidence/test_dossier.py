"""The dossier of an image: all that is known, as a page and as files; nothing that is not."""

import io
import json
import zipfile
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pypdf import PdfReader
from rest_framework.test import APIClient

from accounts.models import Project, User
from audit.appending import append_pending
from audit.models import AuditEvent
from builds.models import Build, BuildImage, Image, Material
from evidence.dossier.collecting import collect
from evidence.dossier.sections import sections_of
from policies.models import Verdict
from tests.deployments.making import told
from tests.inspections.making import check, looked
from tests.security.test_life import built, digest, report
from tests.security.test_remediation import created, found
from tests.security.test_waivers import NOW, arrived
from tests.trust.making import result

pytestmark = pytest.mark.django_db


@pytest.fixture
def image(ci: APIClient, project: Project, alice: User, client_of: Any) -> Image:
    """An image that was built, scanned, inspected, verified and judged."""
    built(project, 1)
    with time_machine.travel(NOW, tick=False):
        arrived(ci, report(1, found("CVE-1", title="<script>x</script>"), **created(NOW)))
        ci.post("/api/v1/inspections/", looked(1, check("user")), format="json")
        ci.get(f"/api/v1/images/{digest(1)}/verdict/?environment=production")
        told(ci, 1, deployed_at=NOW.isoformat(), deployed_by="Dora", url="https://ci.example/7")
        sent = result(digest=digest(1)) | {"verified_at": f"{NOW:%Y-%m-%dT%H:%M:%SZ}"}
        client_of(alice).post(
            "/api/v1/verifications/?project=shop", sent, content_type="application/json"
        )
    append_pending()
    return Image.objects.select_related("project").get(project=project, digest=digest(1))


def fetched(client: Any, form: str) -> bytes:
    answer = client.get(f"/api/v1/images/{digest(1)}/dossier/?project=shop&as={form}")
    assert answer.status_code == 200
    return b"".join(answer.streaming_content)


def test_all_that_is_known(image: Image, auditor: User, client_of: Any):
    dossier = json.loads(fetched(client_of(auditor), "json"))
    assert dossier["digest"] == digest(1)
    assert len(dossier["builds"]) == 1
    (verification,) = dossier["verifications"]
    assert verification["reported_by"] == "alice"
    assert verification["provenance"]["builder"] == "https://ci.example.com/runner"
    (verdict,) = dossier["verdicts"]
    assert verdict["outcome"] == "fail"
    assert verdict["environment"] == "production"
    assert verdict["asked_by"] == "token ci"
    assert dossier["inspections"][0]["failing"] == ["user"]
    assert dossier["scans"][0]["counts"]
    (deployment,) = dossier["deployments"]
    assert (deployment["environment"], deployment["status"]) == ("production", "succeeded")
    assert (deployment["deployed_by"], deployment["reported_by"]) == ("Dora", "token ci")
    assert deployment["verdict"]["id"] == verdict["id"]
    assert {event["action"] for event in dossier["events"]} >= {
        "payload.received",
        "image.verified",
        "image.judged",
        "inspection.received",
        "deployment.recorded",
    }


def test_documents_are_as_they_were_sent(image: Image, auditor: User, client_of: Any):
    archive = zipfile.ZipFile(io.BytesIO(fetched(client_of(auditor), "zip")))
    told = json.loads(archive.read("dossier.json"))
    parts = {
        f"documents/{row['receipt']}/{part['name']}": part["sha256"]
        for row in told["documents"]
        for part in row["parts"]
    }
    assert len(parts) >= 1
    kept = {name for name in archive.namelist() if name.startswith("documents/")}
    assert kept == set(parts)
    for name, digest_of_part in parts.items():
        assert sha256(archive.read(name)).hexdigest() == digest_of_part


def test_the_pdf_says_the_same(image: Image, auditor: User, client_of: Any):
    reader = PdfReader(io.BytesIO(fetched(client_of(auditor), "pdf")))
    text = " ".join(page.extract_text() for page in reader.pages).replace("\n", " ")
    for words in ("Who built it", "Dora, told by token ci", "payload.received", "fail"):
        assert words in text


def test_the_page(image: Image, auditor: User, client_of: Any):
    browser = client_of(auditor)
    page = browser.get(f"/projects/shop/images/{digest(1)}/dossier/").content.decode()
    for words in ("Who built it", "Verdicts at that time", "Dora, told by token ci"):
        assert words in page
    assert "<script>x" not in page
    security = browser.get(f"/projects/shop/images/{digest(1)}/security/").content.decode()
    assert f"/projects/shop/images/{digest(1)}/dossier/" in security


def test_a_viewer_gets_neither_trail_nor_documents(image: Image, bob: User, client_of: Any):
    archive = zipfile.ZipFile(io.BytesIO(fetched(client_of(bob), "zip")))
    assert json.loads(archive.read("dossier.json"))["events"] is None
    assert not [name for name in archive.namelist() if name.startswith("documents/")]


def test_it_is_noted(image: Image, auditor: User, client_of: Any):
    browser = client_of(auditor)
    fetched(browser, "json")
    fetched(browser, "pdf")
    for _ in range(2):
        browser.get(f"/projects/shop/images/{digest(1)}/dossier/")
    append_pending()
    acts = AuditEvent.objects.filter(actor_name="erin", action__startswith="dossier.")
    assert [(act.action, act.changes.get("format")) for act in acts] == [
        ("dossier.exported", "json"),
        ("dossier.exported", "pdf"),
        ("dossier.viewed", None),
    ]


def test_strangers_see_nothing(image: Image, carol: User, client_of: Any):
    assert client_of(carol).get(f"/projects/shop/images/{digest(1)}/dossier/").status_code == 404
    answer = client_of(carol).get(f"/api/v1/images/{digest(1)}/dossier/?project=elsewhere")
    assert answer.status_code == 404


class TestMuchOfIt:
    """A provenance may list any number of materials, a build have any number of arguments."""

    @pytest.fixture
    def builds(self, image: Image) -> list[Build]:
        """Two builds of it, the newer one first."""
        BuildImage.objects.create(build=built(image.project, 2), image=image)
        found = list(Build.objects.filter(image_links__image=image).newest_first())
        assert len(found) == 2
        return found

    def lines(self, image: Image, key: str) -> tuple[int, int]:
        """How many lines its section has, and how many are left off."""
        sections = sections_of(collect(image, made_by="x", with_trail=False))
        (section,) = (section for section in sections if section.key == key)
        return len(section.rows), section.left_off

    def test_materials_of_the_newest_builds(self, image: Image, builds: list[Build]):
        for build, count in zip(builds, (300, 260), strict=True):
            Material.objects.bulk_create(
                Material(build=build, uri=f"pkg:{number:03}") for number in range(count)
            )
        dossier = collect(image, made_by="x", with_trail=False)
        newer, older = (row["materials"] for row in dossier.builds)
        assert (len(newer), len(older)) == (300, 200)
        assert older[-1] == {"uri": "pkg:199", "digest": ""}
        assert dossier.left_off == {"materials": 60}
        assert self.lines(image, "materials") == (500, 60)

    def test_as_many_as_there_is_room_for(self, image: Image, builds: list[Build]):
        Material.objects.bulk_create(
            Material(build=builds[0], uri=f"pkg:{number}") for number in range(500)
        )
        assert self.lines(image, "materials") == (500, 0)

    def test_arguments(self, image: Image, builds: list[Build]):
        for build, count in zip(builds, (499, 3), strict=True):
            build.build_args = {f"A{number:03}": "x" for number in range(count)}
            build.save(update_fields=["build_args"])
        dossier = collect(image, made_by="x", with_trail=False)
        newer, older = (row["arguments"] for row in dossier.builds)
        assert (len(newer), older) == (499, {"A000": "x"})
        assert dossier.left_off == {"arguments": 2}
        assert self.lines(image, "arguments") == (500, 2)

    def test_waivers(self, image: Image):
        known = Verdict.objects.get(digest=image.digest)
        for count, days in ((501, 2), (2, 1)):
            at = known.at - timedelta(days=days)
            waivers = [{"finding": f"CVE-{number}"} for number in range(count)]
            known.pk, known.public_id, known._state.adding = None, uuid4(), True
            known.said, known.at = known.said | {"waivers": waivers}, at
            known.save()
        assert self.lines(image, "waivers") == (500, 3)


def test_more_of_everything_costs_the_same(ci: APIClient, image: Image):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            collect(image, made_by="x", with_trail=True)
        return len(captured)

    few = queries()
    for number in range(5):
        with time_machine.travel(NOW, tick=False):
            arrived(ci, report(1, found(f"CVE-9{number}"), **created(NOW)))
            ci.post("/api/v1/inspections/", looked(1, check(f"c{number}")), format="json")
            told(ci, 1, environment=f"e{number}")
    assert queries() == few
