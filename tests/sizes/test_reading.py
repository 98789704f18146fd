"""The server reads layers of images in registries that it may ask, once for each digest."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Project
from buildkit.registry import Reference, Registry
from builds.models import BuildImage, Image, Layer, Service
from builds.services import get_or_create_service
from sizes import reading
from sizes.following import follow_next
from sizes.models import ImageContents
from sizes.reading import due, read_image, reference_of
from sizes.tasks import read_image as read_task
from tests.buildkit.archives import archive, member
from tests.own_registry import OCI, OwnRegistry, known_to_server, own_registry
from tests.sizes.making import imaged

pytestmark = [pytest.mark.django_db, pytest.mark.engine]
SECRET = "RUN curl https://me:hunter2@example.com/x"  # what is to be masked


@pytest.fixture(scope="module")
def own(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRegistry]:
    with own_registry(tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.fixture
def registry(own: OwnRegistry, project: Project, settings: Any, tmp_path: Path) -> Registry:
    """The registry, which the server may ask as the project."""
    return known_to_server(own, project.slug, settings, tmp_path)


@pytest.fixture
def service(project: Project) -> Service:
    return get_or_create_service(project_id=project.pk, name="web")


def pushed(registry: Registry, service: Service, *layers: bytes, tag: str = "1") -> Image:
    """An image in the registry that a build of the service made."""
    reference = Reference.parse(f"{registry.host}/shop/web:{tag}")
    names = [SECRET, "RUN rm /big", *(f"RUN step {n}" for n in range(len(layers)))]
    config = {
        "os": "linux",
        "architecture": "amd64",
        "rootfs": {"diff_ids": [f"sha256:{n:064}" for n in range(len(layers))]},
        "history": [{"created_by": name} for name in names[: len(layers)]],
    }
    stored = [{"digest": registry.put_blob(reference, data), "size": len(data)} for data in layers]
    data = json.dumps(config).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI,
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": registry.put_blob(reference, data),
            "size": len(data),
        },
        "layers": [
            {"mediaType": "application/vnd.oci.image.layer.v1.tar", **layer} for layer in stored
        ],
    }
    digest = registry.put_manifest(reference, json.dumps(manifest).encode(), OCI)
    build = imaged(service, 0, {"RUN a": 5}, names=[str(reference)])
    image = Image.objects.create(
        project_id=service.project_id, digest=digest, names=[str(reference)], platform="linux/amd64"
    )
    Layer.objects.create(image=image, position=0, digest="sha256:1", size_bytes=5, created_by="A")
    BuildImage.objects.filter(build=build).update(image=image)
    while follow_next():
        pass
    return image


def test_an_image_is_read_once(registry: Registry, service: Service):
    image = pushed(
        registry,
        service,
        archive(member("big", 500), member("usr/bin/gcc", 90)),
        archive(member(".wh.big")),
    )
    assert due() == [image.pk]
    read_task(image.pk)
    contents = ImageContents.objects.get(image=image)
    assert (contents.total_bytes, contents.wasted_bytes, contents.error) == (590, 500, "")
    assert [(w["path"], w["by"]) for w in contents.wasted] == [("big", "RUN rm /big")]
    assert [tool["name"] for tool in contents.tools] == ["gcc"]
    assert "hunter2" not in contents.wasted[0]["instruction"]
    assert due() == []


def test_a_registry_that_the_server_may_not_ask_is_not_asked(
    registry: Registry, service: Service, settings: Any
):
    image = pushed(registry, service, archive(member("a", 1)), tag="2")
    settings.CACHE_REGISTRIES = ["elsewhere.example.com"]
    assert due() == []
    assert reference_of(image) is None
    read_image(image)
    assert not ImageContents.objects.exists()


def test_what_cannot_be_read_is_unknown_and_says_which_layer(registry: Registry, service: Service):
    image = pushed(registry, service, archive(member("../etc/passwd", 5)), tag="3")
    read_image(image)
    contents = ImageContents.objects.get(image=image)
    assert not contents.is_known
    assert contents.error.startswith("sha256:")
    assert "leads out of the image" in contents.error
    assert due() == [], "the bytes of a digest do not change"


def test_an_image_that_is_not_there_is_asked_for_again_a_day_later(
    registry: Registry, service: Service
):
    image = pushed(registry, service, archive(member("a", 7)), tag="4")
    Image.objects.filter(pk=image.pk).update(names=[f"{registry.host}/shop/other:1"])
    image.refresh_from_db()
    read_image(image)
    contents = ImageContents.objects.get(image=image)
    assert "does not have it" in contents.error
    assert due() == []
    ImageContents.objects.update(again_at=timezone.now() - timedelta(seconds=1))
    Image.objects.filter(pk=image.pk).update(names=[f"{registry.host}/shop/web:4"])
    assert due() == [image.pk]
    read_task(image.pk)
    contents.refresh_from_db()
    assert (contents.total_bytes, contents.error) == (7, "")


def test_limits_hold(registry: Registry, service: Service, monkeypatch: pytest.MonkeyPatch):
    image = pushed(registry, service, archive(member("a", 9_000)), tag="5")
    monkeypatch.setattr(reading, "LIMITS", reading.LayerLimits(bytes=5_000))
    read_image(image)
    contents = ImageContents.objects.get(image=image)
    assert contents.wasted_bytes is None
    assert "unpacks to more than 5000 bytes" in contents.error


def test_two_workers_do_not_read_the_same_image(
    registry: Registry, service: Service, monkeypatch: pytest.MonkeyPatch
):
    image = pushed(registry, service, archive(member("a", 7)), tag="6")
    asked = []

    def seen(*arguments: Any) -> Any:
        asked.append(arguments)
        read_image(image)
        return original(*arguments)

    original = reading.from_registry
    monkeypatch.setattr(reading, "from_registry", seen)
    read_image(image)
    assert len(asked) == 1
    assert ImageContents.objects.get(image=image).total_bytes == 7


def test_one_that_takes_too_long_is_given_up(registry: Registry, service: Service):
    image = pushed(registry, service, archive(member("a", 7)), tag="7")
    ImageContents.objects.create(image=image, read_at=timezone.now())
    reading.give_up(image)
    assert "took longer than" in ImageContents.objects.get(image=image).error
