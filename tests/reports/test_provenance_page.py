"""The provenance on an image's page: drawn inert, linked, and for what it costs."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import Project, User
from builds.models import BuildImage, Image
from sboms.models import Sbom
from tests.sboms.bills import sent
from tests.sboms.test_signatures import LEFT_PAD, beside, envelope
from tests.security.making import built, digest
from tests.security.test_waivers import NOW
from tests.trust.making import result

pytestmark = pytest.mark.django_db
HOSTILE = '"><script>alert(1)</script>'


BUDGETS = Path(__file__).resolve().parents[1] / "query_budgets.json"


def address(number: int) -> str:
    return f"/projects/shop/images/{digest(number)}/security/"


def verified(client: Client, number: int, **provenance: Any) -> None:
    """Send a verification of the image of a build, with provenance of which fields are others."""
    said = result(digest=digest(number), verified_at=f"{NOW:%Y-%m-%dT%H:%M:%SZ}")
    said["facts"]["provenance"] |= provenance
    with time_machine.travel(NOW, tick=False):
        made = client.post(
            "/api/v1/verifications/?project=shop", said, content_type="application/json"
        )
    assert made.status_code in {200, 201}, made.content


def test_the_graph_and_its_table_lead_to_what_they_name(
    ci: APIClient, project: Project, client_of: Any, alice: User, bob: User
):
    build = built(project, 1)
    verified(client_of(alice), 1)
    sent(ci, envelope(1, LEFT_PAD), **beside(1, signature="unchecked"))
    page = client_of(bob).get(address(1)).content.decode()
    drawing = page[page.index('<div class="graph"') : page.index("</svg>\n  </div>")]
    for href in (
        'href="https://github.com/example/shop" rel="noreferrer"',
        f'href="{build.get_absolute_url()}"',
        f'href="{Sbom.objects.get().get_absolute_url()}"',
    ):
        assert href in drawing
        assert page.count(href) >= 2
    assert "Signed, not checked" in drawing
    assert (
        "<title>Base image: docker.io/library/alpine:3. pkg:docker/alpine@3 sha256:bbb" in drawing
    )
    assert "The same as a table" in page


def test_what_a_reporter_says_stays_text(project: Project, client_of: Any, alice: User, bob: User):
    built(project, 1)
    hostile = {
        "builder": f"javascript:alert(1){HOSTILE}",
        "version": HOSTILE,
        "build_type": HOSTILE,
        "source": {"repository": f"javascript:{HOSTILE}", "revision": HOSTILE, "ref": HOSTILE},
        "materials": [{"uri": f"pkg:docker/{HOSTILE}\u202e", "digest": HOSTILE}],
        "by": [HOSTILE],
        "fault": HOSTILE,
    }
    verified(client_of(alice), 1, **hostile)
    page = client_of(bob).get(address(1)).content.decode()
    assert "<script>alert" not in page
    assert not re.search(r'href="\s*javascript', page)
    assert "&lt;script&gt;alert(1)" in page
    drawing = page[page.index('<div class="graph"') : page.index("</svg>\n  </div>")]
    assert "\u202e" not in drawing


def test_without_provenance_the_page_says_how_to_get_it(
    project: Project, client_of: Any, bob: User
):
    built(project, 1)
    page = client_of(bob).get(address(1)).content.decode()
    assert "From what it came is not known" in page
    assert "--provenance=mode=max" in page
    assert "buildinsights sign --provenance" in page
    assert '<div class="graph"' not in page


def test_it_costs_the_same_for_few_and_for_many(
    ci: APIClient, project: Project, client_of: Any, alice: User, bob: User
):
    built(project, 1)
    browser, sender = client_of(bob), client_of(alice)

    def add(first: int, last: int) -> None:
        materials = [
            {"uri": f"pkg:docker/alpine@{number}", "digest": f"sha256:{number:064x}"}
            for number in range(last)
        ]
        for number in range(first, last):
            verified(sender, 1, materials=materials)
            sent(ci, envelope(1, (f"a{number}", f"pkg:npm/a{number}@1")), **beside(1))
            ci.get(f"/api/v1/images/{digest(1)}/verdict/?environment=e{number}")

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(address(1)).status_code == 200
        return len(captured)

    add(0, 2)
    few = queries()
    add(2, 20)
    assert queries() == few <= json.loads(BUDGETS.read_text())["image_security"]


def test_an_index_has_the_sboms_of_its_images(
    ci: APIClient, project: Project, client_of: Any, alice: User, bob: User
):
    build = built(project, 1)
    media_type = "application/vnd.oci.image.index.v1+json"
    index = Image.objects.create(project=project, digest=digest(2), media_type=media_type)
    BuildImage.objects.create(build=build, image=index)
    verified(client_of(alice), 2)
    sent(ci, envelope(1, LEFT_PAD), **beside(1, signature="unchecked"))
    page = client_of(bob).get(address(2)).content.decode()
    drawing = page[page.index('<div class="graph"') : page.index("</svg>\n  </div>")]
    assert Sbom.objects.get().get_absolute_url() in drawing
