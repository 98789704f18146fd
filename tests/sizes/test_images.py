"""Images: the list of the newest, and one with what was read of its layers."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Scope
from builds.models import Build, Image, Service
from builds.services import get_or_create_service
from sizes.following import follow_next
from sizes.models import ImageContents
from tests.sizes.making import imaged

pytestmark = pytest.mark.django_db
LIST = "/projects/shop/images/"


@pytest.fixture
def service(project: Project) -> Service:
    return get_or_create_service(project_id=project.pk, name="web")


def built(service: Service, days: int, sizes: dict[str, int | None], **fields: Any) -> Image:
    at = timezone.now() - timedelta(days=days)
    build = imaged(service, 0, sizes, at=at, **fields)
    while follow_next():
        pass
    return build.images.get()


def read(image: Image, **fields: Any) -> ImageContents:
    values: dict[str, Any] = {"read_at": timezone.now(), "wasted_bytes": 700, "total_bytes": 9000}
    return ImageContents.objects.create(image=image, **(values | fields))


TOOL: dict[str, Any] = {
    "name": "gcc",
    "why": "Compilers build a service.",
    "bytes": 900,
    "files": 2,
    "path": "usr/bin/gcc-12",
    "instruction": "RUN apt-get install -y build-essential",
}
WASTE = {
    "path": "app/big",
    "bytes": 700,
    "reason": "removed",
    "instruction": "COPY . .",
    "by": "RUN rm /app/big",
}


def test_the_newest_of_each_group_are_listed(service: Service, api_of: Callable[..., APIClient]):
    built(service, 40, {"RUN a": 1000}, variant="prod")
    built(service, 20, {"RUN a": 1200}, variant="prod")
    newest = built(service, 10, {"RUN a": 1500}, variant="prod")
    built(service, 5, {"RUN a": 2000}, variant="dev")
    read(newest, tools=[TOOL])
    told = api_of(Scope.BUILDS_READ).get("/api/v1/images/").json()["results"]
    assert [
        (row["variant"], row["size_bytes"], row["growth_bytes"], row["wasted_bytes"], row["tools"])
        for row in told
    ] == [("dev", 2000, None, None, None), ("prod", 1500, 500, 700, ["gcc"])]
    assert told[1]["digest"] == newest.digest
    assert told[1]["tools_bytes"] == 900
    assert [row["is_production"] for row in told] == [False, True]


def test_the_page_tells_unknown_from_none(
    service: Service, client_of: Callable[[User], Client], bob: User
):
    image = built(service, 3, {"RUN a": 1000})
    page = client_of(bob).get(LIST).content.decode()
    assert page.count("not read") == 2
    read(image, wasted_bytes=0)
    page = client_of(bob).get(LIST).content.decode()
    assert "none found" in page
    assert "not read" not in page


def test_an_image_has_its_layers_its_builds_and_its_contents(
    service: Service, client_of: Callable[[User], Client], bob: User
):
    image = built(
        service, 3, {"FROM debian": 100, "COPY . .": 50}, variant="prod", author="Ana Moreau"
    )
    read(image, tools=[TOOL], wasted=[WASTE])
    page = client_of(bob).get(f"{LIST}{image.digest}/").content.decode()
    assert "Development tools in a production image" in page
    for text in ("/usr/bin/gcc-12", "/app/big", "RUN rm /app/big", "COPY . .", "Ana Moreau"):
        assert text in page
    assert "67 %" in page, "the share of FROM: 100 of 150 bytes"


def test_an_instruction_alone_is_evidence(service: Service, api_of: Callable[..., APIClient]):
    sizes: dict[str, int | None] = {
        "FROM node": 100,
        "RUN npm ci": 60,
        "RUN apt-get update && apt-get install -y git curl": 50,
    }
    image = built(service, 3, sizes, environment="production")
    told = api_of(Scope.BUILDS_READ).get(f"/api/v1/images/{image.digest}/").json()
    assert told["is_production"]
    assert told["contents"] is None
    assert [(row["name"], row["evidence"], row["bytes"]) for row in told["findings"]] == [
        (
            "development dependencies",
            "npm ci without leaving out development dependencies",
            None,
        ),
        ("git", "installs git", None),
    ]
    assert [row["size_bytes"] for row in told["layers"]] == [100, 60, 50]
    assert told["builds"] == [str(Build.objects.get().public_id)]


def test_what_was_seen_is_not_told_again_by_its_instruction(
    service: Service, api_of: Callable[..., APIClient]
):
    sizes: dict[str, int | None] = {"FROM debian": 100, TOOL["instruction"]: 60, "RUN npm ci": 5}
    image = built(service, 3, sizes, variant="prod")
    read(image, tools=[TOOL])
    told = api_of(Scope.BUILDS_READ).get(f"/api/v1/images/{image.digest}/").json()
    found = [(row["name"], row["bytes"]) for row in told["findings"]]
    assert found == [("gcc", 900), ("development dependencies", None)]


def test_what_could_not_be_read_says_why(
    service: Service, client_of: Callable[[User], Client], bob: User
):
    image = built(service, 3, {"RUN a": 1000})
    read(image, wasted_bytes=None, total_bytes=None, error="layer 2: broken gzip")
    page = client_of(bob).get(f"{LIST}{image.digest}/").content.decode()
    assert "layer 2: broken gzip" in page
    assert "That is no proof" in page


def test_names_in_layers_are_escaped(
    service: Service, client_of: Callable[[User], Client], bob: User
):
    image = built(service, 3, {"RUN a": 1000})
    read(image, wasted=[WASTE | {"path": "<script>alert(1)</script>"}])
    page = client_of(bob).get(f"{LIST}{image.digest}/").content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_only_members_see_images(
    service: Service,
    client_of: Callable[[User], Client],
    carol: User,
    api_of: Callable[..., APIClient],
):
    image = built(service, 3, {"RUN a": 1000})
    for address in (LIST, f"{LIST}{image.digest}/"):
        assert client_of(carol).get(address).status_code == 404
    assert client_of(carol).get(f"/projects/elsewhere/images/{image.digest}/").status_code == 404
    assert api_of(Scope.INGEST_WRITE).get("/api/v1/images/").status_code == 403
    stranger = APIClient()
    stranger.force_authenticate(carol)
    assert stranger.get(f"/api/v1/images/{image.digest}/").status_code == 404
    assert stranger.get("/api/v1/images/").json()["results"] == []


def test_the_list_costs_the_same_with_many_images(
    project: Project,
    client_of: Callable[[User], Client],
    bob: User,
    django_assert_max_num_queries: Any,
):
    for number in range(8):
        service = get_or_create_service(project_id=project.pk, name=f"service {number}")
        built(service, number, {"RUN a": 1000 + number})
    browser = client_of(bob)
    with django_assert_max_num_queries(7):
        assert browser.get(LIST).content.decode().count("service ") >= 8
