"""Which instruction an image grew by, although builders do not name each layer."""

from datetime import UTC, datetime
from typing import Any

import pytest

from builds.models import Build, BuildImage, Image, Layer, Service, Step
from builds.partitions import ensure_partition, month_of
from trends.attribution import parts_of

pytestmark = pytest.mark.django_db

AT = datetime(2026, 6, 1, tzinfo=UTC)
BASE, FIRST, LAST = "[run 1/3] FROM debian", "[run 2/3] COPY a", "[run 3/3] COPY b"
SIZES = {"base": 500, "a": 10, "b": 5}
MADE = {BASE: "base", FIRST: "a", LAST: "b"}


def made(service: Service, sizes: dict[str, int], steps: dict[str, str]) -> Build:
    """A build with those layers, of which ``steps`` names what made which; empty is none."""
    ensure_partition(month_of(AT))
    build = Build.objects.create(
        project_id=service.project_id,
        service=service,
        listed_at=AT,
        steps_month=month_of(AT),
        status="succeeded",
    )
    image = Image.objects.create(project_id=service.project_id, digest=f"sha256:{build.pk}")
    BuildImage.objects.create(build=build, image=image)
    for position, (digest, size) in enumerate(sizes.items()):
        Layer.objects.create(image=image, position=position, digest=digest, size_bytes=size)
    for position, (name, digest) in enumerate(steps.items()):
        _step(build, position, name, digest)
    return build


def _step(build: Build, position: int, name: str, digest: str) -> None:
    values: dict[str, Any] = {
        "inputs": [position - 1] if position else [],
        "kind": "copy" if position else "from",
        "identity": name.rpartition("] ")[2],
    }
    Step.objects.create(
        month=build.steps_month,
        build=build,
        position=position,
        vertex_digest=f"sha256:{position}",
        name=name,
        state="cached",
        stage="run",
        platform="",
        intervals=[],
        busy_seconds=0.0,
        slack_seconds=0.0,
        critical=False,
        what_if_seconds=0.0,
        dockerfile_name="",
        layer_digest=digest,
        error="",
        **values,
    )


@pytest.mark.parametrize(
    "steps",
    [
        MADE,
        MADE | {FIRST: ""},
        MADE | {BASE: ""},
        MADE | {BASE: "", FIRST: ""},
    ],
    ids=["all named", "one is not", "a base that was not unpacked", "both"],
)
def test_a_layer_without_a_name_is_no_growth(service: Service, steps: dict[str, str]):
    before = [made(service, SIZES, MADE) for _ in range(3)]
    after = [made(service, SIZES | {"b": 65}, steps) for _ in range(3)]
    [part] = parts_of(before, after, unit="bytes", is_up=True)
    assert (part["identity"], part["name"], part["share"]) == ("COPY b", LAST, 1.0)
    assert (part["before_bytes"], part["after_bytes"], part["delta_bytes"]) == (5, 65, 60)
