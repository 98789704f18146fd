"""Pages of packages and bills, and what changed: whoever may see it, whatever a bill says."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import Project, User
from sboms.models import Sbom
from tests.sboms.bills import cyclonedx, sent, spdx
from tests.security.making import built

pytestmark = pytest.mark.django_db

HOSTILE = "<script>alert(1)</script>"
PACKAGES = "/projects/shop/packages/"

BEFORE = (
    "pkg:npm/stays@1.0.0",
    "pkg:npm/rises@1.9.0",
    "pkg:npm/sinks@2.0.0",
    "pkg:conda/turns@1.0",
    "pkg:npm/goes@1.0.0",
    "pkg:npm/twice@1.0.0",
    "pkg:npm/twice@2.0.0",
)
AFTER = (
    "pkg:npm/stays@1.0.0",
    "pkg:npm/rises@1.10.0",
    "pkg:npm/sinks@2.0.0-rc.1",
    "pkg:conda/turns@1.1",
    "pkg:npm/comes@1.0.0",
    "pkg:npm/twice@2.0.0",
    "pkg:npm/twice@3.0.0",
    "pkg:npm/twice@4.0.0",
)
CHANGES = [
    ("changed", "turns", "1.0", "1.1"),
    ("added", "comes", "", "1.0.0"),
    ("removed", "goes", "1.0.0", ""),
    ("upgraded", "rises", "1.9.0", "1.10.0"),
    ("downgraded", "sinks", "2.0.0", "2.0.0-rc.1"),
    ("licence", "stays", "1.0.0", "1.0.0"),
    ("removed", "twice", "1.0.0", ""),
    ("added", "twice", "", "3.0.0"),
    ("added", "twice", "", "4.0.0"),
]
COUNTS = {"added": 3, "removed": 2, "upgraded": 1, "downgraded": 1, "changed": 1, "licence": 1}


@pytest.fixture
def two(ci: APIClient, project: Project) -> tuple[Sbom, Sbom]:
    """Bills of two builds between which much changed."""
    builds = [built(project, number) for number in (1, 2)]
    sent(ci, cyclonedx(1, *BEFORE, stays="MIT"))
    sent(ci, cyclonedx(2, *AFTER, stays="Apache-2.0", comes="MIT"))
    before, after = (Sbom.objects.get(build=build) for build in builds)
    return before, after


def test_what_changed_between_two_bills(ci: APIClient, two: tuple[Sbom, Sbom]):
    before, after = two
    address = f"/api/v1/sboms/{after.public_id}/diff/?against={before.public_id}"
    told = ci.get(address).json()
    keys = ("kind", "name", "before", "after")
    assert [tuple(row[key] for key in keys) for row in told["changes"]] == CHANGES
    assert told["counts"] == COUNTS
    [stays] = [row for row in told["changes"] if row["name"] == "stays"]
    assert (stays["licences_before"], stays["licences_after"]) == (["MIT"], ["Apache-2.0"])
    assert (told["sbom"], told["against"]) == (str(after.public_id), str(before.public_id))
    rows = ci.get(f"{address}&format=csv").content.decode().splitlines()
    assert len(rows) == 1 + len(CHANGES)
    assert "MIT" in rows[6]


@pytest.mark.parametrize("query", ["", "?against=me", "?against="])
def test_a_difference_needs_another_bill(ci: APIClient, two: tuple[Sbom, Sbom], query: str):
    answer = ci.get(f"/api/v1/sboms/{two[0].public_id}/diff/{query}")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"] == "against"


def test_the_page_of_a_difference(two: tuple[Sbom, Sbom], bob: User, client_of: Any):
    before, after = two
    browser = client_of(bob)
    page = browser.get(f"{after.get_absolute_url()}diff/?against={before.public_id}")
    text = page.content.decode()
    assert page.status_code == 200
    assert "1.10.0" in text
    assert "MIT → Apache-2.0" in text
    builds = f"?before={before.build.public_id}&after={after.build.public_id}"
    assert browser.get(f"{PACKAGES}diff/{builds}").context["rows"] == page.context["rows"]
    compare = f"/projects/shop/builds/{after.build.public_id}/compare/"
    linked = browser.get(f"{compare}?against={before.build.public_id}").content.decode()
    assert f"{PACKAGES}diff/{builds.replace('&', '&amp;')}" in linked
    assert browser.get(f"{after.get_absolute_url()}diff/").status_code == 404
    assert browser.get(f"{PACKAGES}diff/").status_code == 404


def test_builds_without_bills_are_told_in_words(project: Project, bob: User, client_of: Any):
    one, other = built(project, 1), built(project, 2)
    page = client_of(bob).get(f"{PACKAGES}diff/?before={one.public_id}&after={other.public_id}")
    assert "Neither build has an SBOM" in page.content.decode()


def test_what_is_in_a_bill_is_shown_inert(
    ci: APIClient, project: Project, bob: User, client_of: Any
):
    built(project, 1)
    document = cyclonedx(1)
    document["components"] = [
        {
            "type": "library",
            "name": HOSTILE,
            "version": HOSTILE,
            "group": "",
            "licenses": [{"license": {"name": HOSTILE}}],
        }
    ]
    sent(ci, document, image=HOSTILE[:50].replace("<", "%3C").replace("/", "%2F"))
    sbom = Sbom.objects.get()
    for address in (
        PACKAGES,
        f"{PACKAGES}?name=%3Cscript%3Ealert(1)*&version=%3C1",
        f"{PACKAGES}?name={HOSTILE}&at={HOSTILE}&version={HOSTILE}",
        "/projects/shop/sboms/",
        sbom.get_absolute_url(),
        f"{sbom.get_absolute_url()}?name={HOSTILE}",
    ):
        page = client_of(bob).get(address)
        assert page.status_code == 200, address
        assert HOSTILE not in page.content.decode(), address


def test_the_search_page_tells_who_has_a_package(two: tuple[Sbom, Sbom], bob: User, client_of: Any):
    browser = client_of(bob)
    page = browser.get(f"{PACKAGES}?name=stays&version=<2")
    assert [row.sbom for row in page.context["rows"]] == [two[1]]
    page = browser.get(f"{PACKAGES}?name=turns&version=<2")
    text = page.content.decode()
    assert "No newest image has it" in text
    assert "The order of versions in this ecosystem is not known here." in text
    assert "Not a range of versions" in browser.get(f"{PACKAGES}?name=x&version=<").content.decode()
    empty = browser.get(PACKAGES).content.decode()
    assert "1 is of newest images" in empty
    assert "buildinsights sbom" not in empty


def test_the_first_page_tells_what_to_do(project: Project, bob: User, client_of: Any):
    text = client_of(bob).get(PACKAGES).content.decode()
    assert "No SBOM yet" in text
    assert "buildinsights sbom" in text


def test_packages_of_a_bill_are_narrowed_and_licences_added_up(
    ci: APIClient, two: tuple[Sbom, Sbom], bob: User, client_of: Any
):
    after = two[1]
    page = client_of(bob).get(f"{after.get_absolute_url()}?name=twice")
    assert len(page.context["rows"]) == 3
    assert page.context["licences"] == [("", 6), ("Apache-2.0", 1), ("MIT", 1)]
    assert list(page.context["others"]) == [two[0]]
    listed = ci.get(f"/api/v1/sboms/{after.public_id}/packages/?name=twice").json()["results"]
    assert {row["package"]["version"] for row in listed} == {"2.0.0", "3.0.0", "4.0.0"}


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 2),
        ("?service=api", 2),
        ("?service=web", 0),
        ("?written_as=spdx", 0),
        ("?source=uploaded", 2),
    ],
)
def test_bills_are_filtered(ci: APIClient, two: tuple[Sbom, Sbom], query: str, count: int):
    assert len(ci.get(f"/api/v1/sboms/{query}").json()["results"]) == count


def test_bills_are_found_by_any_digest_of_their_image(ci: APIClient, two: tuple[Sbom, Sbom]):
    found = ci.get(f"/api/v1/sboms/?digest={two[0].digests[0]}").json()["results"]
    assert [row["id"] for row in found] == [str(two[0].public_id)]


def test_pages_are_for_members(two: tuple[Sbom, Sbom], carol: User, client_of: Any):
    before, after = two
    browser = client_of(carol)
    for address in (
        PACKAGES,
        f"{PACKAGES}diff/?before={before.build.public_id}&after={after.build.public_id}",
        "/projects/shop/sboms/",
        after.get_absolute_url(),
        f"{after.get_absolute_url()}diff/?against={before.public_id}",
    ):
        assert browser.get(address).status_code == 404, address


@pytest.mark.parametrize("address", [f"{PACKAGES}?name=left-pad", "/projects/shop/sboms/"])
def test_pages_cost_the_same_for_few_and_for_many(
    ci: APIClient, project: Project, bob: User, client_of: Any, address: str
):
    browser = client_of(bob)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(address).status_code == 200
        return len(captured)

    def add(first: int, last: int) -> None:
        for number in range(first, last):
            package = ("left-pad", f"pkg:npm/left-pad@1.{number}.0")
            sent(ci, spdx(package), service=f"service-{number}")

    add(0, 2)
    few = queries()
    add(2, 20)
    assert queries() == few
