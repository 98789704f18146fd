"""Uncompressed sizes over time: known once layers were read, which lets days be made again."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Project, User
from buildkit.imagefiles import ImageFiles, StoredLayer
from builds.models import Build, BuildImage, Image, Service
from builds.services import get_or_create_service
from cache.models import StaleDay
from cache.staleness import day_of, mark
from cache.tasks import roll_up_stale
from sizes import reading
from sizes.models import ImageContents
from tests.buildkit.archives import archive, member
from tests.sizes.making import image_of, imaged

pytestmark = pytest.mark.django_db

METRIC = "image_uncompressed_bytes"
HOST = "registry.example.com"
NAMES = [f"{HOST}/shop/web:1"]


@pytest.fixture
def service(project: Project) -> Service:
    return get_or_create_service(project_id=project.pk, name="web")


@pytest.fixture
def read(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let the server read an image, of which the registry has these layers."""
    settings.CACHE_REGISTRIES = [HOST]

    def read_layers(image: Image, *layers: bytes) -> None:
        stored = tuple(StoredLayer(f"{n}", partial(_whole, data)) for n, data in enumerate(layers))
        files = ImageFiles(image.platform, stored, ("RUN a",) * len(layers))
        monkeypatch.setattr(reading, "from_registry", lambda *_: files)
        reading.read_image(image)

    return read_layers


def _whole(data: bytes) -> Iterator[bytes]:
    yield data


def built(service: Service, age: int, size: int = 5, **fields: Any) -> Image:
    """The image of a build so many days ago, which is added up; the same size is the same one."""
    at = timezone.now() - timedelta(days=age)
    build = imaged(service, 0, {"RUN a": size}, at=at, names=NAMES, **fields)
    mark(service.pk, day_of(at))
    roll_up_stale()
    return build.images.get()


def medians(api: APIClient, service: Service) -> list[float | None]:
    """Those of days with builds, the oldest first."""
    roll_up_stale()
    query = {"metric": METRIC, "grain": "day", "days": 30}
    answer = api.get(f"/api/v1/services/{service.slug}/trends/", query)
    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert (told["metric"], told["unit"]) == (METRIC, "bytes")
    return [point["median"] for point in told["points"]]


def near(value: float) -> Any:
    return pytest.approx(value, rel=0.01)


def test_a_value_appears_on_the_days_of_an_image_that_was_read(
    service: Service, api: APIClient, today: date, read: Callable[..., None]
):
    image = built(service, 9)
    assert built(service, 4) == image, "all of it came from the cache"
    built(service, 2, size=6)
    assert medians(api, service) == [None, None, None], "not read is not zero"
    assert not StaleDay.objects.exists()
    read(image, archive(member("big", 500), member("usr/gcc", 90)), archive(member(".wh.big")))
    days = StaleDay.objects.order_by("day").values_list("service", "day")
    assert list(days) == [(service.pk, today - timedelta(days=age)) for age in (9, 4)]
    # What a later layer removes is still pulled and unpacked: 500 and 90.
    assert medians(api, service) == [near(590), near(590), None]


def test_of_a_day_with_several_only_builds_with_a_value_count(
    service: Service, api: APIClient, read: Callable[..., None]
):
    for size, own in ((5, 1000), (6, 3000)):
        read(built(service, 3, size=size), archive(member("a", own)))
    built(service, 3, size=7)
    built(service, 3, size=5, status=Build.Status.FAILED)
    assert medians(api, service) == [near(2000)], "between 1000 and 3000"


def test_a_build_that_makes_a_known_image_again_has_its_value_at_once(
    service: Service, api: APIClient, read: Callable[..., None]
):
    read(built(service, 3), archive(member("a", 700)))
    built(service, 1)
    assert medians(api, service) == [near(700), near(700)]


def test_a_deleted_build_takes_its_value_along(
    service: Service, api: APIClient, today: date, read: Callable[..., None]
):
    read(built(service, 3), archive(member("a", 700)))
    read(built(service, 3, size=6), archive(member("a", 100)))
    assert medians(api, service) == [near(400)]
    Build.objects.get(images__size_bytes=6).delete()
    mark(service.pk, today - timedelta(days=3))
    assert medians(api, service) == [near(700)]


def test_layers_that_cannot_be_read_leave_days_alone(
    service: Service, api: APIClient, read: Callable[..., None]
):
    image = built(service, 3)
    read(image, archive(member("../etc/passwd", 5)))
    assert "leads out of the image" in ImageContents.objects.get(image=image).error
    assert not StaleDay.objects.exists()
    assert medians(api, service) == [None]


def test_of_several_platforms_the_first_stands_for_its_build(
    service: Service, api: APIClient, read: Callable[..., None]
):
    amd64 = built(service, 3)
    arm64 = image_of(service, {"RUN a": 8}, "linux/arm64", NAMES)
    index = Image.objects.create(project_id=service.project_id, digest="sha256:index")
    for image in (arm64, index):
        BuildImage.objects.create(build=Build.objects.get(), image=image)
    read(arm64, archive(member("a", 900)))
    assert medians(api, service) == [None], "the level does not depend on who was read first"
    read(amd64, archive(member("a", 300)))
    assert medians(api, service) == [near(300)]


def test_the_days_of_all_services_that_made_it_are_made_again(
    project: Project, service: Service, api: APIClient, read: Callable[..., None]
):
    other = get_or_create_service(project_id=project.pk, name="worker")
    image = built(service, 3)
    assert built(other, 2) == image
    read(image, archive(member("a", 700)))
    assert medians(api, service) == medians(api, other) == [near(700)]


def test_the_page_says_what_counts_and_how_to_get_a_value(
    service: Service, client_of: Callable[[User], Client], bob: User, read: Callable[..., None]
):
    images = [built(service, age, size=age) for age in (9, 4)]
    browser = client_of(bob)
    address = f"/projects/shop/services/{service.slug}/trends/"
    query = {"metric": METRIC, "grain": "day", "days": 30}
    page = browser.get(address, query).content.decode()
    assert "Only builds whose image was read layer by layer count." in page
    assert "No value in this period" in page
    assert "once CACHE_REGISTRIES names the registry" in page
    assert "CACHE_REGISTRIES" not in browser.get(address).content.decode(), "only of this metric"
    read(images[0], archive(member("a", 700)))
    read(images[1], archive(member("a", 800)))
    roll_up_stale()
    page = browser.get(address, query).content.decode()
    assert "No value in this period" not in page
    assert "Image size, uncompressed: median by day" in page, "a chart, in words, too"


def test_csv_has_its_points(service: Service, api: APIClient, read: Callable[..., None]):
    read(built(service, 3), archive(member("a", 700)))
    roll_up_stale()
    query = {"metric": METRIC, "format": "csv"}
    text = api.get(f"/api/v1/services/{service.slug}/trends/", query).content.decode()
    header, row = text.strip().splitlines()
    assert float(row.split(",")[header.split(",").index("median")]) == near(700)
