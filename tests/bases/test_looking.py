"""The server asks registries that it may ask what tags mean now, and how old bases are."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Project
from bases.drift import drifts_of
from bases.following import image_of, note_look
from bases.looking import due, look
from bases.models import BaseImage, BaseRepository, BaseUse, TagLook
from bases.tasks import look_into_repository
from buildkit.registry import Reference, Registry
from builds.services import get_or_create_service
from tests.own_registry import OCI, OwnRegistry, known_to_server, own_registry
from tests.sizes.making import imaged

pytestmark = [pytest.mark.django_db, pytest.mark.engine]
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def own(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRegistry]:
    with own_registry(tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.fixture
def registry(own: OwnRegistry, project: Project, settings: Any, tmp_path: Path) -> Registry:
    """The registry, which the server may ask as the project."""
    return known_to_server(own, project.slug, settings, tmp_path)


def pushed(registry: Registry, tag: str, created: str, name: str = "shop/node") -> str:
    """Push an image that was made at a time, and return its digest."""
    reference = Reference(registry.host, name, tag)
    layer = b"layer"
    config = json.dumps({"os": "linux", "architecture": "amd64", "created": created}).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI,
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": registry.put_blob(reference, config),
            "size": len(config),
        },
        "layers": [
            {
                "mediaType": "application/vnd.oci.image.layer.v1.tar",
                "digest": registry.put_blob(reference, layer),
                "size": len(layer),
            }
        ],
    }
    return registry.put_manifest(reference, json.dumps(manifest).encode(), OCI)


def stood_on(project: Project, reference: Reference, digest: str) -> BaseImage:
    """Return a base that the newest build of a service stands on, seen a day ago."""
    at = timezone.now() - DAY
    build = imaged(get_or_create_service(project_id=project.pk, name="api"), 0, {"RUN a": 5}, at=at)
    image = image_of(project.pk, reference, digest, at)
    note_look(image, TagLook.Source.BUILDS, at)
    BaseUse.objects.create(
        image=image,
        build=build,
        service=build.service,
        branch_class="default",
        at=at,
        role=BaseUse.Role.FINAL,
        is_pinned=False,
        is_standing=True,
    )
    return image


def test_a_look_tells_drift_age_and_newer_tags(registry: Registry, project: Project):
    name = "shop/node-a"
    old = pushed(registry, "22-slim", "2026-01-02T03:04:05Z", name)
    image = stood_on(project, Reference(registry.host, name, "22-slim"), old)
    new = pushed(registry, "22-slim", "2026-02-03T04:05:06Z", name)
    later = pushed(registry, "24-slim", "2026-03-04T05:06:07Z", name)
    assert due() == [image.repository_id]
    look_into_repository(image.repository_id)
    assert due() == []
    image.refresh_from_db()
    assert image.created_at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    drift = drifts_of([image])[image.pk]
    assert (drift.newest, drift.behind) == (new, 1)
    repository = BaseRepository.objects.get()
    assert (repository.tags, repository.problem) == (["22-slim", "24-slim"], "")
    newest = BaseImage.objects.get(tag="24-slim")
    assert (newest.digest, newest.uses.count()) == (later, 0)


def test_a_time_that_always_is_the_same_is_no_age(registry: Registry, project: Project):
    name = "shop/node-b"
    digest = pushed(registry, "1", "1970-01-01T00:00:00Z", name)
    image = stood_on(project, Reference(registry.host, name, "1"), digest)
    look(image.repository)
    image.refresh_from_db()
    assert image.created_at is None


def test_a_registry_that_the_server_may_not_ask_is_not_asked(
    registry: Registry, project: Project, settings: Any
):
    settings.CACHE_REGISTRIES = ["elsewhere.example.com"]
    image = stood_on(project, Reference(registry.host, "shop/node-c", "1"), f"sha256:{'a' * 64}")
    assert due() == []
    look(image.repository)
    assert BaseRepository.objects.get().looked_at is None


def test_a_tag_that_is_gone_keeps_what_was_known(registry: Registry, project: Project):
    pushed(registry, "1", "2026-01-02T03:04:05Z", "shop/node-d")
    image = stood_on(project, Reference(registry.host, "shop/node-d", "2"), f"sha256:{'a' * 64}")
    look(image.repository)
    assert BaseRepository.objects.get().problem == ""
    assert drifts_of([image])[image.pk].behind == 0


def test_a_registry_that_refuses_is_told_of(registry: Registry, project: Project, settings: Any):
    settings.REGISTRY_CONFIG_DIR = "/nonexistent"
    image = stood_on(project, Reference(registry.host, "shop/node-e", "1"), f"sha256:{'a' * 64}")
    look(image.repository)
    repository = BaseRepository.objects.get()
    assert repository.problem
    assert repository.looked_at is not None
