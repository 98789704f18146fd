"""Who has a package: by name, range and date; whoever asks, however many have it."""

from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Scope
from accounts.services import create_project, create_token
from sboms import search
from tests.builds.test_api import budget
from tests.sboms.bills import cyclonedx, sent, spdx
from tests.security.making import built

pytestmark = pytest.mark.django_db

LOG4J = "pkg:maven/org.apache.logging.log4j/log4j-core"


@pytest.fixture
def shop(ci: APIClient, project: Project) -> Project:
    """Six images: log4j is updated on the default branch, and old on a change."""
    for number, version, fields in (
        (1, "2.9.1", {}),
        (2, "2.14.1", {}),
        (3, "2.17.0", {}),
        (4, "2.16.0", {"change_id": "7"}),
        (5, "2.17.0-rc1", {"variant": "slim"}),
        (6, "2.20.0", {"environment": "staging"}),
    ):
        built(project, number, **fields)
        name = f"shop/api:{number}"
        sent(
            ci, cyclonedx(number, f"{LOG4J}@{version}", **{"log4j-core": "Apache-2.0"}), image=name
        )
    return project


def ask(client: APIClient, **query: str) -> Any:
    answer = client.get(f"/api/v1/packages/?{urlencode(query)}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def images(client: APIClient, **query: str) -> list[str]:
    rows = ask(client, **query)["results"]
    return sorted(row["image_name"].removeprefix("shop/api:") for row in rows)


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("", ["3", "4", "5", "6"]),
        ("<2.17", ["4", "5"]),  # a release candidate is before its release
        ("<=2.17", ["3", "4", "5"]),
        (">=2.17 <2.20", ["3"]),
        (">=2.17, !=2.20", ["3"]),
        ("2.16", ["4"]),  # of Maven the same as 2.16.0
        (">3", []),
    ],
)
def test_ranges_are_those_of_the_ecosystem(
    ci: APIClient, shop: Project, version: str, expected: list[str]
):
    assert images(ci, name="log4j-core", version=version) == expected


@pytest.mark.parametrize(
    ("name", "ecosystem", "is_found"),
    [
        ("log4j-core", "", True),
        ("log4j-core", "maven", True),
        ("log4j-core", "MAVEN", True),
        ("log4j-core", "npm", False),
        ("log4j*", "", True),
        ("log4j", "", False),
        ("LOG4J-CORE", "", False),
        ("org.apache.logging.log4j:log4j-core", "", True),
        ("org.apache.logging.log4j/log4j-core", "", True),
        ("org.apache.logging:log4j-core", "", False),
        (LOG4J, "", True),
        (f"{LOG4J}@2.16.0", "", True),
        (f"{LOG4J}@9", "", False),
        ("100%_*", "", False),
    ],
)
def test_names_are_written_in_several_ways(
    ci: APIClient, shop: Project, name: str, ecosystem: str, is_found: bool
):
    assert bool(images(ci, name=name, ecosystem=ecosystem)) == is_found


def test_a_row_tells_where_and_since_when(ci: APIClient, shop: Project):
    [row] = ask(ci, name="log4j-core", version="=2.17.0")["results"]
    assert row["package"] == {
        "ecosystem": "maven",
        "namespace": "org.apache.logging.log4j",
        "name": "log4j-core",
        "version": "2.17.0",
        "purl": f"{LOG4J}@2.17.0",
        "licences": ["Apache-2.0"],
        "supplier": "",
    }
    assert (row["service"], row["branch_class"], row["is_direct"]) == ("api", "default", True)
    assert (row["in_use_from"], row["in_use_until"]) == ("2026-11-01T15:00:00Z", None)
    [row] = ask(ci, name="log4j-core", version="<2.17", ecosystem="maven")["results"][:1]
    assert row["branch_class"] in {"change", "default"}


def test_at_a_date_the_images_of_that_day_are_asked(ci: APIClient, project: Project):
    for number, version in ((1, "1.0.0"), (30, "1.1.0"), (60, "1.2.0")):
        built(project, number)  # on the 1st, 2nd and 3rd of November, after noon
        sent(ci, cyclonedx(number, f"pkg:npm/left-pad@{version}"))

    def versions(at: str) -> list[str]:
        rows = ask(ci, name="left-pad", at=at)["results"]
        return [row["package"]["version"] for row in rows]

    assert versions("2026-10-31") == []
    assert versions("2026-11-01") == ["1.0.0"]
    assert versions("2026-11-02") == ["1.1.0"]
    assert versions("2026-11-04") == versions("") == ["1.2.0"]


def test_what_cannot_be_ordered_is_said_and_not_guessed(ci: APIClient):
    packages = [
        ("thing", "pkg:conda/thing@1.0"),
        ("thing", "pkg:npm/thing@not.a.version!"),
        ("thing", "pkg:npm/thing@1.0.0"),
    ]
    sent(ci, spdx(*packages), service="api")
    told = ask(ci, name="thing", version="<2")
    assert [row["package"]["version"] for row in told["results"]] == ["1.0.0"]
    assert told["undecided"] == [
        {
            "ecosystem": "conda",
            "name": "thing",
            "version": "1.0",
            "reason": "The order of versions in this ecosystem is not known here.",
        },
        {
            "ecosystem": "npm",
            "name": "thing",
            "version": "not.a.version!",
            "reason": "It, or a bound, is no version of semantic versions.",
        },
    ]
    assert ask(ci, name="thing", version="<2", at="2020-01-01")["undecided"] == []
    assert len(ask(ci, name="thing")["results"]) == 3
    exact = ask(ci, name="thing", version="=1.0", ecosystem="conda")
    assert (len(exact["results"]), exact["undecided"]) == (1, [])


@pytest.mark.parametrize(
    ("query", "attr"),
    [
        ({}, "name"),
        ({"name": "x", "version": "<"}, "version"),
        ({"name": "x", "version": "about 3"}, None),
        ({"name": "x", "version": " ".join(["<1"] * 11)}, "version"),
        ({"name": "x", "at": "yesterday"}, "at"),
    ],
)
def test_a_question_that_is_none_is_refused_by_its_field(
    ci: APIClient, query: dict[str, str], attr: str | None
):
    answer = ci.get(f"/api/v1/packages/?{urlencode(query)}")
    if attr is None:
        assert answer.json()["results"] == []
        return
    assert answer.status_code == 400
    assert [error["attr"] for error in answer.json()["errors"]] == [attr]


def test_too_many_versions_are_refused(
    ci: APIClient, shop: Project, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(search, "MOST_VERSIONS", 2)
    answer = ci.get("/api/v1/packages/?name=log4j*")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "too_many_versions"


def test_nobody_sees_packages_of_other_projects(ci: APIClient, shop: Project, carol: User):
    elsewhere = create_project(name="Other", owner=carol)
    scopes = [Scope.BUILDS_READ, Scope.INGEST_WRITE]
    _, secret = create_token(project=elsewhere, name="ci", scopes=scopes, actor=carol)
    stranger = APIClient()
    stranger.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    assert images(stranger, name="log4j-core") == []
    assert images(stranger, name="log4j-core", project="shop") == []
    [first, *_] = ci.get("/api/v1/sboms/").json()["results"]
    for path in ("", "packages/", "diff/?against=" + first["id"]):
        assert stranger.get(f"/api/v1/sboms/{first['id']}/{path}").status_code == 404
    own = sent(stranger, spdx(("left-pad", "pkg:npm/left-pad@1.0.0")), service="api")
    against = f"/api/v1/sboms/{own['id']}/diff/?against={first['id']}"
    assert stranger.get(against).status_code == 404


def test_pages_of_results_have_each_row_once(ci: APIClient, project: Project):
    for number in range(7):
        service = f"service-{number}"
        packages = [("left-pad", f"pkg:npm/left-pad@1.{place}.0") for place in range(3)]
        sent(ci, spdx(*packages), service=service)
    seen, address, sizes = [], "/api/v1/packages/?name=left-pad&page_size=4", []
    while address:
        page = ci.get(address).json()
        sizes.append(len(page["results"]))
        seen += [(row["service"], row["package"]["version"]) for row in page["results"]]
        back, address = page["previous"], page["next"]
    assert sizes == [4, 4, 4, 4, 4, 1]
    assert len(set(seen)) == len(seen) == 21
    before = ci.get(back).json()["results"]
    assert [(row["service"], row["package"]["version"]) for row in before] == seen[16:20]
    assert ci.get("/api/v1/packages/?name=left-pad&cursor=cD0xMjM=").status_code == 404


@pytest.mark.parametrize(
    ("name", "at"), [("api_package_search", ""), ("api_package_search_at", "&at=2100-01-01")]
)
def test_the_search_costs_the_same_for_few_and_for_many(
    ci: APIClient, api: APIClient, name: str, at: str
):
    address = f"/api/v1/packages/?name=left-pad&version=<3{at}"

    def add(first: int, last: int) -> None:
        for number in range(first, last):
            packages = [("left-pad", f"pkg:npm/left-pad@1.{number}.0")]
            sent(ci, spdx(*packages), service=f"service-{number}")

    add(0, 2)
    few = budget(name, address, api)
    add(2, 20)
    assert budget(name, address, api) == few
    assert len(ask(api, name="left-pad")["results"]) == 20


def test_recording_costs_the_same_whatever_a_bill_lists(ci: APIClient):
    def queries(count: int, name: str) -> int:
        packages = [(f"p{n}", f"pkg:npm/{name}-{n}@1.0.0") for n in range(count)]
        with CaptureQueriesContext(connection) as captured:
            sent(ci, spdx(*packages), service="api")
        return len(captured)

    queries(1, "first")
    assert queries(400, "many") == queries(4, "few")


def test_the_search_is_given_as_csv(ci: APIClient, shop: Project):
    answer = ci.get("/api/v1/packages/?name=log4j-core&version=<2.17&format=csv")
    assert answer["Content-Type"].startswith("text/csv")
    header, *rows = answer.content.decode().splitlines()
    assert header.split(",")[:4] == ["ecosystem", "namespace", "name", "version"]
    assert sorted(row.split(",")[3] for row in rows) == ["2.16.0", "2.17.0-rc1"]
    assert all("Apache-2.0" in row for row in rows)
    assert ci.get("/api/v1/packages/?format=csv").status_code == 400
