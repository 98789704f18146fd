"""Uncompressed sizes of images, for the trends of the services whose builds made them."""

from datetime import UTC
from typing import Any

from django.db.models import Exists, OuterRef
from django.db.models.functions import TruncDate

from builds.models import Build, BuildImage, Image, Layer
from cache.staleness import mark


def sizes_of_builds(*, builds: Any, **_: Any) -> dict[int, dict[str, float]]:
    """Return bytes by build, as ``trends.use.use_of`` does, where its image's layers were read.

    Of several images, the first by platform stands for its build, whether it was read or not: else
    the level would be another one with each platform that is read.
    """
    # An index has no layers of its own, and is nothing to read.
    layers = Layer.objects.filter(image=OuterRef("image"))
    links = BuildImage.objects.filter(Exists(layers), build__in=builds)
    last_first = links.order_by("-image__platform", "-image_id")
    sizes = dict(last_first.values_list("build_id", "image__contents__total_bytes"))
    return {
        build: {"image_uncompressed_bytes": size}
        for build, size in sizes.items()
        if size is not None
    }


def remake_days(image: Image) -> None:
    """Have the sums made again of the days on which builds made an image."""
    made = BuildImage.objects.filter(image=image, build__status=Build.Status.SUCCEEDED)
    days = made.values_list("build__service", TruncDate("build__listed_at", tzinfo=UTC))
    # In the order of keys, so that two who mark the same days do not wait for each other.
    for service_id, day in sorted(days.distinct()):
        mark(service_id, day)
