"""What runs where, on pages and in dossiers: whoever may see it, and however much there is."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import Project, User
from builds.models import Build, BuildImage, Image, Service
from deployments.models import Deployment
from evidence.dossier.collecting import collect
from evidence.dossier.sections import sections_of
from tests.deployments.making import told
from tests.security.making import built, digest, report, scanned, vulnerability

pytestmark = pytest.mark.django_db

PAGE = "/projects/shop/deployments/"
BUDGETS = json.loads((Path(__file__).resolve().parents[1] / "query_budgets.json").read_text())
HOSTILE = "<script>alert(1)</script>"
INDEX = "application/vnd.oci.image.index.v1+json"


def shown(browser: Any, address: str) -> str:
    page = browser.get(address)
    assert page.status_code == 200
    return page.content.decode()


def test_an_empty_page_says_what_to_do(project: Project, bob: User, client_of: Any):
    assert "buildinsights deployed IMAGE" in shown(client_of(bob), PAGE)


def test_what_runs_is_told_with_what_was_found_in_it(
    ci: APIClient, project: Project, bob: User, client_of: Any
):
    build = built(project, 1)
    found = [vulnerability("CVE-1"), vulnerability("CVE-2"), vulnerability("CVE-3", Severity="LOW")]
    scanned(ci, report(1, *found))
    verdict = ci.get(f"/api/v1/images/{digest(1)}/verdict/?environment=production").json()
    before = told(ci, 1, url="https://ci.example.com/1")
    now = told(ci, 1, deployed_at="2999-01-01T00:00:00Z", deployed_by="Dora")
    other = told(ci, 2, environment="staging", service="proxy")
    page = client_of(bob).get(PAGE)
    assert [row["deployment"] for row in page.context["running"]] == [now, other]
    assert page.context["running"][0]["severities"] == [
        {"label": "High", "badge": "high", "count": 2}
    ]
    assert (page.context["running"][1]["scan"], before.verdict) == (None, None)
    same = client_of(bob).get(now.get_absolute_url())
    assert [row["deployment"] for row in same.context["rows"]] == [now, before]
    text = page.content.decode()
    for address in (
        build.get_absolute_url(),
        f"/projects/shop/images/{digest(1)}/security/",
        f"/projects/shop/verdicts/{verdict['id']}/",
        'href="https://ci.example.com/1" rel="noreferrer"',
    ):
        assert address in text
    assert "not scanned" in text
    assert "none kept" in text


def test_filters_narrow_the_list_and_leave_out_what_runs(
    ci: APIClient, project: Project, bob: User, client_of: Any
):
    told(ci, 1, service="api")
    staging = told(ci, 1, service="api", environment="staging")
    page = client_of(bob).get(f"{PAGE}?environment=staging")
    assert [row["deployment"] for row in page.context["rows"]] == [staging]
    assert "running" not in page.context
    wrong = client_of(bob).get(f"{PAGE}?after=yesterday")
    assert (wrong.status_code, wrong.context["rows"]) == (200, [])


def test_what_a_sender_writes_is_inert(ci: APIClient, project: Project, bob: User, client_of: Any):
    built(project, 1)
    told(ci, 1, environment=HOSTILE, deployed_by=HOSTILE, url=f"https://x/{HOSTILE}")
    for address in (
        PAGE,
        f"/projects/shop/images/{digest(1)}/security/",
        "/projects/shop/services/api/",
    ):
        assert HOSTILE not in shown(client_of(bob), address)


def test_the_pages_of_service_and_image_tell_it(
    ci: APIClient, project: Project, bob: User, client_of: Any
):
    build = built(project, 1)
    told(ci, 1)
    page = client_of(bob).get("/projects/shop/services/api/")
    assert [run.build for run in page.context["runs"]] == [build]
    page = client_of(bob).get(f"/projects/shop/images/{digest(1)}/security/")
    assert [row["deployment"].build for row in page.context["deployments"]] == [build]


def with_index(build: Build, number: int) -> Image:
    """Give a build of one image a second one, and an index of both."""
    index = Image.objects.create(project=build.project, digest=digest(number), media_type=INDEX)
    second = Image.objects.create(
        project=build.project, digest=digest(number + 1), platform="linux/arm64"
    )
    for image in (index, second):
        BuildImage.objects.create(build=build, image=image)
    return index


def test_an_image_is_deployed_by_the_index_that_lists_it(ci: APIClient, project: Project):
    index = with_index(built(project, 1), 100)
    by_index, by_image = told(ci, 100), told(ci, 101, environment="edge")
    assert by_index.image == index
    for number, found in ((1, {by_index}), (101, {by_index, by_image}), (100, {by_index})):
        images = [Image.objects.get(digest=digest(number))]
        assert set(Deployment.objects.of_images(images)) == found, number


class TestDossier:
    def test_without_deployments_it_says_so(self, project: Project):
        built(project, 1)
        dossier = collect(Image.objects.get(), made_by="x", with_trail=False)
        [section] = [part for part in sections_of(dossier) if part.key == "deployments"]
        assert (section.rows, section.empty) == ([], "None was recorded.")

    def test_it_tells_where_when_who_and_what_was_known(self, ci: APIClient, project: Project):
        built(project, 1)
        told(ci, 1, status="failed", deployed_by="Dora", url="https://ci.example.com/1")
        scanned(ci, report(1))
        ci.get(f"/api/v1/images/{digest(1)}/verdict/?environment=production")
        told(ci, 1, deployed_at="2999-01-01T00:00:00Z")
        dossier = collect(Image.objects.get(), made_by="x", with_trail=False)
        [section] = [part for part in sections_of(dossier) if part.key == "deployments"]
        newest, first = section.rows
        assert newest[1:] == ("production", "told by token ci", "not said", "pass by built-in")
        assert first == (
            "2026-11-02 12:00 UTC",
            "production, failed",
            "Dora, told by token ci",
            "https://ci.example.com/1",
            "none was kept",
        )


def test_more_rows_cost_no_more_queries(ci: APIClient, project: Project, bob: User, client_of: Any):
    browser = client_of(bob)
    addresses = {
        "deployments": PAGE,
        "deployments_narrowed": f"{PAGE}?service=s1",
        "api_deployments": "/api/v1/deployments/?project=shop",
        "image_with_deployments": f"/projects/shop/images/{digest(1)}/security/",
        "service_with_runs": "/projects/shop/services/s1/",
    }

    def queries(address: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            shown(browser, address)
        return len(captured)

    def add(first: int, last: int) -> None:
        for number in range(first, last):
            build = built(project, number)
            build.service = Service.objects.create(
                project=project, name=f"s{number}", slug=f"s{number}"
            )
            build.save()
            scanned(ci, report(number, vulnerability(f"CVE-{number}")))
            ci.get(f"/api/v1/images/{digest(number)}/verdict/?environment=production")
            told(ci, number, deployed_at="2999-01-01T00:00:00Z")
            told(ci, 1, environment=f"e{number}")

    add(1, 3)
    few = {name: queries(address) for name, address in addresses.items()}
    add(3, 23)
    assert {name: queries(address) for name, address in addresses.items()} == few
    assert few == {name: BUDGETS[name] for name in addresses}


def test_nobody_else_sees_them(ci: APIClient, project: Project, carol: User, client_of: Any):
    told(ci, 1)
    assert client_of(carol).get(PAGE).status_code == 404
