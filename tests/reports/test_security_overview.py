"""The overview of security: what changed, what waits and how services stand, worked out by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from rest_framework.test import APIClient

from accounts.models import Project, User
from buildkit.images import INDEX_MEDIA_TYPES
from builds.models import BuildImage, Image, Service
from reports.finding_changes import changes_of
from reports.newest_images import newest_images
from reports.overview import overview_page
from reports.security_overview import security_overview_page
from security.models import Finding, Severity
from tests.builds.test_api import budget
from tests.inspections.making import check, looked
from tests.security.conftest import dave
from tests.security.test_life import built, digest, report, vulnerability
from tests.security.test_remediation import created, found
from tests.security.test_waivers import NOW, arrived, asked, waived
from tests.trust.making import result

__all__ = ["dave"]

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
PAGE = "/projects/shop/security/"


def moved(project: Project, days: int) -> dict[str, tuple[int, ...]]:
    """What came, came back, went, is open, is overdue, and the change of what is open."""
    first = NOW.date() - timedelta(days=days - 1)
    return {
        row.severity.label: (row.came, row.back, row.went, row.open, row.overdue, row.change)
        for row in changes_of(project, first).moved
        if row.came or row.back or row.went or row.open
    }


def told(project: Project, days: int = 7) -> dict[str, Any]:
    return security_overview_page(project, {"days": str(days)})


def titles(project: Project) -> list[tuple[str, str]]:
    return [(item["severity"], item["title"]) for item in told(project)["waiting"]]


def lived(ci: APIClient, project: Project) -> None:
    """Twenty days ago three came; five days ago one went, one came; today one came back."""
    for number in (1, 2, 3):
        built(project, number)
    old, gone, new = found("CVE-1", "CRITICAL"), found("CVE-2"), found("CVE-3")
    own = found("CVE-4", "LOW", Layer={"Digest": digest(8002)})
    for at, number, there in (
        (NOW - 20 * DAY, 1, (old, gone, new)),
        (NOW - 15 * DAY, 1, (old, gone)),
        (NOW - 5 * DAY, 2, (old, own)),
        (NOW, 3, (old, new, own)),
    ):
        with time_machine.travel(at, tick=False):
            arrived(ci, report(number, *there, **created(at)))


def test_what_came_went_and_came_back_is_counted_by_severity(ci: APIClient, project: Project):
    lived(ci, project)
    with time_machine.travel(NOW, tick=False):
        assert moved(project, 7) == {
            "CRITICAL": (0, 0, 0, 1, 1, 0),
            "HIGH": (0, 1, 1, 1, 0, 0),
            "LOW": (1, 0, 0, 1, 0, 1),
        }
        assert moved(project, 30) == {
            "CRITICAL": (1, 0, 0, 1, 1, 1),
            "HIGH": (2, 1, 2, 1, 0, 1),
            "LOW": (1, 0, 0, 1, 0, 1),
        }


def test_who_brought_the_most_is_named(ci: APIClient, project: Project):
    lived(ci, project)
    with time_machine.travel(NOW, tick=False):
        changes = changes_of(project, (NOW - 6 * DAY).date())
        assert not any(row.open for row in changes_of(project, NOW.date(), services=[]).moved)
    assert [(one.name, one.severe, one.brought) for one in changes.services] == [("api", 1, 2)]
    assert [(one.severe, one.brought) for one in changes.builds] == [(1, 1), (0, 1)]
    assert sum(one.brought for one in changes.origins) == 2


def test_what_is_on_a_branch_alone_has_not_come(ci: APIClient, project: Project):
    built(project, 1, ref_name="feature", change_id="7")
    with time_machine.travel(NOW, tick=False):
        arrived(ci, report(1, found("CVE-1"), **created(NOW)))
        assert Finding.objects.get().seen_state == "branch"
        assert changes_of(project, NOW.date()).is_quiet


def test_the_newest_image_is_that_of_the_newest_build_in_use(project: Project):
    for number in (1, 2):
        built(project, number)
    built(project, 3, ref_name="feature", change_id="7")
    built(project, 4, environment="staging")
    with time_machine.travel(NOW, tick=False):
        images = newest_images(project)
        assert {(one.name, one.digest) for one in images} == {
            ("api runtime production", digest(2)),
            ("api runtime staging", digest(4)),
        }
        assert [one.digest for one in newest_images(project, "api", "staging")] == [digest(4)]
    with time_machine.travel(NOW + 400 * DAY, tick=False):
        assert [one.digest for one in newest_images(project)] == [digest(4)]


def test_of_two_platforms_both_are_to_be_scanned(ci: APIClient, project: Project):
    build = built(project, 1)
    other = Image.objects.create(project=project, digest=digest(77), platform="linux/arm64")
    BuildImage.objects.create(build=build, image=other)
    with time_machine.travel(NOW, tick=False):
        arrived(ci, report(1, **created(NOW)))
        [image] = newest_images(project)
        assert (len(image.images), image.scan) == (2, None)
        arrived(ci, report(77, **created(NOW)))
        assert newest_images(project)[0].scan


def test_what_waits_is_told_the_worst_first(
    ci: APIClient, project: Project, client_of: Any, alice: User, dave: User
):
    for number in (1, 2, 3):
        built(project, number, target=f"t{number}")
    with time_machine.travel(NOW, tick=False) as clock:
        there = [found("CVE-1", "CRITICAL"), found("CVE-2"), found("CVE-3")]
        arrived(ci, report(1, *there, **created(NOW)))
        arrived(ci, report(2, **created(NOW)))
        assert client_of(alice).post(
            "/api/v1/verifications/?project=shop",
            result("unsigned", digest=digest(1)) | {"verified_at": f"{NOW:%Y-%m-%dT%H:%M:%SZ}"},
            content_type="application/json",
        ).status_code in {200, 201}
        ci.post("/api/v1/inspections/", looked(1, check("user")), format="json")
        ci.get(f"/api/v1/images/{digest(1)}/verdict/?environment=production")
        clock.shift(8 * DAY)
        waived(client_of(alice), client_of(dave), Finding.objects.get(name="CVE-2"))
        assert asked(client_of(alice), Finding.objects.get(name="CVE-3")).status_code == 201
        assert titles(project) == [
            ("high", "1 newest image refused by a policy"),
            ("high", "1 finding overdue"),
            ("high", "1 newest image whose signature or provenance is not trusted"),
            ("medium", "1 waiver waits for approval"),
            ("medium", "1 waiver ends within 14 days"),
            ("medium", "1 newest image that nobody scanned for vulnerabilities"),
            ("low", "2 newest images whose configuration nobody inspected"),
        ]
        [row] = told(project)["rows"]
        assert (row["critical"], row["high"], row["overdue"], row["failing"]) == (1, 1, 1, 1)
        assert (row["gate"].outcome, row["scan"], row["verification"].passed) == (
            "fail",
            None,
            False,
        )
        assert [item["title"] for item in told(project)["starts"]] == ["Send what is in it"]
        page = client_of(alice).get(PAGE).content.decode()
        assert "1 waiver waits for approval" in page
        clock.shift(40 * DAY)
        assert ("medium", "2 newest images scanned more than 30 days ago") in titles(project)


def test_what_is_overdue_needs_attention_on_the_first_page(ci: APIClient, project: Project):
    built(project, 1)
    with time_machine.travel(NOW, tick=False) as clock:
        arrived(ci, report(1, found("CVE-1", "CRITICAL"), **created(NOW)))
        assert overview_page(project)["attention"] == []
        clock.shift(8 * DAY)
        [item] = overview_page(project)["attention"]
    assert (item["severity"], item["title"]) == ("high", "1 finding overdue")


def test_an_index_leads_to_its_images(project: Project, client_of: Any, bob: User):
    build = built(project, 1)
    index = Image.objects.create(
        project=project, digest=digest(500), media_type=INDEX_MEDIA_TYPES[0]
    )
    BuildImage.objects.create(build=build, image=index)
    page = client_of(bob).get(f"/projects/shop/images/{digest(500)}/security/").content.decode()
    assert f"/projects/shop/images/{digest(1)}/security/" in page
    [image] = newest_images(project)
    assert [one.digest for one in image.images] == [digest(1)]


def test_where_nothing_is_known_the_page_says_how_to_begin(
    client_of: Any, project: Project, bob: User
):
    page = client_of(bob).get(PAGE).content.decode()
    assert "buildinsights scan IMAGE" in page
    built(project, 1)
    page = client_of(bob).get(PAGE).content.decode()
    assert "buildinsights inspect IMAGE" in page
    assert "Nothing is overdue, refused or undecided." in page


def test_it_is_the_projects_own(client_of: Any, project: Project, carol: User, bob: User):
    assert client_of(carol).get(PAGE).status_code == 404
    page = client_of(bob).get(f"{PAGE}?days=nonsense")
    assert page.status_code == 200
    assert page.context["days"] == 7


def test_texts_of_others_are_inert(ci: APIClient, project: Project, client_of: Any, bob: User):
    built(project, 1)
    Service.objects.update(name="<script>alert(1)</script>")
    with time_machine.travel(NOW, tick=False):
        arrived(ci, report(1, vulnerability("<b>CVE</b>"), **created(NOW)))
        page = client_of(bob).get(PAGE).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def spread(ci: APIClient, project: Project, services: range) -> None:
    for number in services:
        name = f"s{number:02}"
        service = Service.objects.create(project=project, name=name, slug=name)
        build = built(project, number)
        build.service = service
        build.save(update_fields=["service"])
        arrived(ci, report(number, *[found(f"CVE-{n}") for n in range(3)], **created(NOW)))


def test_ten_times_the_services_cost_the_same(
    ci: APIClient, project: Project, client_of: Any, bob: User
):
    browser = client_of(bob)

    with time_machine.travel(datetime(2026, 11, 10, tzinfo=UTC), tick=False):
        spread(ci, project, range(1, 3))
        few = budget("security_overview", PAGE, browser)
        spread(ci, project, range(3, 21))
        assert budget("security_overview", PAGE, browser) == few
    assert Finding.objects.filter(severity=Severity.HIGH).count() == 60
