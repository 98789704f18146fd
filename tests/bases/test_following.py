"""What recorded builds of the demo stand on, and who stands on what when builds come and go."""

from collections.abc import Callable

import pytest

from bases.models import BaseUse, Waiting
from builds.models import Build

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
    from tests.bases.conftest import follow_all

    follow_all()
    assert told(build) == before
    assert not Waiting.objects.exists()
