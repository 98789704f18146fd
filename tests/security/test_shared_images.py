"""One image of several builds, and images of several platforms under one digest."""

import json
from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import Project, User
from builds.models import Build, BuildImage, Image
from policies.models import Verdict
from security.models import Finding, Lineage
from tests.security.making import (
    NOW,
    START,
    arrived,
    built,
    digest,
    report,
    scanned,
    states,
    vulnerability,
    waived,
)

pytestmark = pytest.mark.django_db


def built_again(build: Build, number: int, **fields: Any) -> Build:
    """Build number ``number``, which makes the image of another."""
    image = Image.objects.get(builds=build)
    at = START + timedelta(hours=number)
    fields = {"ref_name": "main", "target": "runtime", "environment": "production"} | fields
    again = Build.objects.create(
        project=build.project,
        service=build.service,
        status="succeeded",
        listed_at=at,
        started_at=at,
        steps_month=at.date().replace(day=1),
        image_digest=build.image_digest,
        **fields,
    )
    BuildImage.objects.create(build=again, image=image)
    return again


@pytest.mark.parametrize("fields", [{"change_id": "7"}, {"ref_name": "feature/docs"}])
def test_a_change_that_makes_the_same_image_takes_it_not_out_of_use(
    ci: APIClient, project: Project, fields: dict[str, str]
):
    main = built(project, 1)
    built_again(main, 2, **fields)
    scan = scanned(ci, report(1, vulnerability("CVE-1", Severity="CRITICAL")))
    assert scan.build == main
    assert states() == {"CVE-1": "open"}


def test_the_newest_build_counts_of_those_in_use(ci: APIClient, project: Project):
    change = built(project, 1, change_id="7")
    assert scanned(ci, report(1)).build == change
    built_again(change, 2)
    release = built_again(change, 3, ref_name="release/1.0")
    scanned(ci, report(1, vulnerability("CVE-1")))
    assert scanned(ci, report(1, vulnerability("CVE-1"))).build == release
    assert states() == {"CVE-1": "open"}


def test_a_verdict_is_for_where_the_build_in_use_was_for(ci: APIClient, project: Project):
    main = built(project, 1)
    built_again(main, 2, change_id="7", environment="preview")
    ci.get(f"/api/v1/images/{digest(1)}/verdict/")
    assert Verdict.objects.get().build == main


def test_an_image_of_two_environments_is_in_both(
    ci: APIClient, project: Project, client_of: Any, dave: User, erin: User, time_machine: Any
):
    time_machine.move_to(NOW, tick=False)
    production = built(project, 1)
    arrived(ci, report(1))
    built_again(production, 2, environment="staging")
    arrived(ci, report(1, vulnerability("CVE-1"), CreatedAt="2026-11-02T00:00:00Z"))
    finding = Finding.objects.get()
    assert finding.environments == ["production", "staging"]
    waived(client_of(erin), client_of(dave), finding, environment="staging")
    assert states() == {"CVE-1": "open"}
    # Production goes on to another image.
    built(project, 3)
    arrived(ci, report(3, CreatedAt="2026-11-03T00:00:00Z"))
    finding.refresh_from_db()
    assert (finding.environments, finding.state) == (["staging"], "waived")


def of_platform(body: bytes, architecture: str) -> bytes:
    """A report of the image for a platform, known by the digest of its index alone."""
    document = json.loads(body)
    document["Metadata"]["ImageConfig"] = {"architecture": architecture, "os": "linux"}
    return json.dumps(document).encode()


@pytest.fixture
def index(project: Project) -> None:
    """Image 1 as metadata tell it: a digest, which may be of an index."""
    built(project, 1)
    Image.objects.update(platform="")


@pytest.mark.usefixtures("index")
def test_platforms_of_one_digest_do_not_end_each_others_findings(ci: APIClient):
    arm, amd = "2026-11-02T00:00:00Z", "2026-11-03T00:00:00Z"
    worse = report(1, vulnerability("CVE-1", Severity="CRITICAL"), CreatedAt=arm)
    scanned(ci, of_platform(worse, "arm64"))
    scanned(ci, of_platform(report(1, CreatedAt=amd), "amd64"))
    assert states() == {"CVE-1": "open"}
    platforms = Lineage.objects.order_by("platform").values_list("platform", flat=True)
    assert list(platforms) == ["linux/amd64", "linux/arm64"]
    url = f"/api/v1/images/{digest(1)}/verdict/"
    assert ci.get(url).data["verdict"] == "fail"
    scanned(ci, of_platform(report(1, CreatedAt="2026-11-04T00:00:00Z"), "arm64"))
    assert Finding.objects.get().state == "fixed"
    assert ci.get(url).data["verdict"] == "pass"


@pytest.mark.usefixtures("index")
def test_a_report_that_does_not_tell_its_platform_gives_way_to_newer_ones(ci: APIClient):
    scanned(ci, report(1, vulnerability("CVE-1"), CreatedAt="2026-11-02T00:00:00Z"))
    url = f"/api/v1/images/{digest(1)}/verdict/"
    assert ci.get(url).data["verdict"] == "fail"
    scanned(ci, of_platform(report(1, CreatedAt="2026-11-03T00:00:00Z"), "amd64"))
    assert ci.get(url).data["verdict"] == "pass"
