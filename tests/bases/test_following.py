"""What recorded builds of the demo stand on, and who stands on what when builds come and go."""

from collections.abc import Callable

import pytest

from bases.drift import drifts_of
from bases.models import BaseImage, BaseUse, TagLook, Waiting
from builds.models import Build
from builds.services import delete_build
from tests.bases.conftest import follow_all

pytestmark = pytest.mark.django_db

type Send = Callable[..., Build]


def told(build: Build) -> list[tuple[str, str, str, str]]:
    uses = BaseUse.objects.filter(build=build).order_by("role", "image__repository__name")
    rows = uses.select_related("image__repository")
    return [
        (
            use.role,
            use.stage,
            f"{use.image.repository.name}:{use.image.tag}",
            use.image.digest[7:15],
        )
        for use in rows
    ]


def test_the_final_base_is_told_from_those_of_other_stages(sent: Send):
    build = sent("4103-web")
    assert sorted(told(build)) == [
        ("build", "deps", "shop/node:22-bookworm-slim", "317c8ee1"),
        ("build", "npm-cache", "shop/web-packages:demo", "666b00ca"),
        ("final", "runtime", "shop/nginx:stable", "f87502b7"),
    ]


def test_what_the_image_has_of_its_base_is_measured(sent: Send):
    use = BaseUse.objects.get(build=sent("4103-web"), role="final")
    # Layers 88d07a20 and f132f2e7 of the recorded image: 33 675 348 + 40 718 283 bytes.
    assert (use.size_bytes, use.layers) == (74_393_631, 2)
    assert (use.is_pinned, use.is_standing) == (False, True)
    image = use.image
    assert (image.family, image.repository.runtime, image.is_official) == ("", "nginx", False)


def test_following_again_writes_the_same(sent: Send):
    build = sent("4103-web")
    before = told(build)
    Waiting.objects.create(build=build)
    follow_all()
    assert told(build) == before
    assert not Waiting.objects.exists()


def standing(repository: str) -> list[tuple[str, str, bool]]:
    rows = BaseUse.objects.filter(image__repository__name=repository).standing()
    rows = rows.select_related("image", "service").order_by("service__name")
    return [(use.service.name, use.image.digest[7:11], use.is_pinned) for use in rows]


def test_the_newest_build_stands_whatever_comes_when(sent: Send):
    newer = sent("4176-web")
    sent("4103-web")
    assert standing("shop/nginx") == [("web", "72c2", False)]
    delete_build(newer)
    assert standing("shop/nginx") == [("web", "f875", False)]


def test_builds_of_changes_move_no_service(sent: Send):
    sent("4103-web")
    sent("4176-web", change_id="12", ref_name="feature")
    assert standing("shop/nginx") == [("web", "f875", False)]


def test_a_tag_drifts_while_services_stay_behind(sent: Send):
    sent("4106-api")  # node 317c
    second = sent("4133-web")  # node 1555
    sent("4176-web")  # node 18f6
    node = BaseImage.objects.filter(repository__name="shop/node")
    drifts = drifts_of(list(node))
    by_digest = {image.digest[7:11]: drifts[image.pk] for image in node}
    assert {name: drift.behind for name, drift in by_digest.items()} == {
        "317c": 2,
        "1555": 1,
        "18f6": 0,
    }
    assert by_digest["317c"].since == second.listed_at
    assert by_digest["317c"].newest[7:11] == "18f6"


def test_each_platform_of_a_build_has_its_own_size(sent: Send):
    build = sent("4143-api")
    uses = BaseUse.objects.filter(build=build, role="final").order_by("platform")
    assert [use.platform for use in uses] == ["linux/amd64", "linux/arm64"]
    assert all(use.image.digest[7:11] == "1555" for use in uses)


def test_without_provenance_the_steps_tell_the_digest(sent: Send):
    build = sent("4103-web")
    build.materials.all().delete()
    Waiting.objects.create(build=build)
    follow_all()
    assert ("final", "runtime", "shop/nginx:stable", "f87502b7") in told(build)


def test_without_a_dockerfile_images_are_not_told_apart(sent: Send):
    build = sent("4103-web")
    build.sources.all().delete()
    Waiting.objects.create(build=build)
    follow_all()
    assert {role for role, *_ in told(build)} == {"unknown"}
    assert len(told(build)) == 3


def test_a_build_that_failed_stands_on_nothing(sent: Send):
    build = sent("4103-web")
    Build.objects.filter(pk=build.pk).update(status=Build.Status.FAILED)
    Waiting.objects.create(build=build)
    follow_all()
    assert told(build) == []
    assert TagLook.objects.exists(), "what was seen was seen"
