"""Builds that made images whose instructions add so many bytes."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from builds.models import Build, BuildImage, Image, Layer, Service
from builds.partitions import ensure_partition, month_of
from builds.signals import build_recorded

FIRST = datetime(2026, 6, 1, 9, tzinfo=UTC)


def imaged(
    service: Service,
    day: float,
    sizes: Mapping[str, int | None],
    *,
    platform: str = "linux/amd64",
    at: datetime | None = None,
    names: list[str] | None = None,
    **fields: Any,
) -> Build:
    """Record a build so many days after the first that made an image of those instructions."""
    moment = at or FIRST + timedelta(days=day)
    ensure_partition(month_of(moment))
    values = {
        "project_id": service.project_id,
        "service": service,
        "listed_at": moment,
        "started_at": moment,
        "steps_month": month_of(moment),
        "status": Build.Status.SUCCEEDED,
        "target": "web",
        "platforms": [platform],
    }
    build = Build.objects.create(**values | fields)
    BuildImage.objects.create(build=build, image=image_of(service, sizes, platform, names))
    build_recorded.send(sender=Build, build=build, listed_before=None)
    return build


def image_of(
    service: Service, sizes: Mapping[str, int | None], platform: str, names: list[str] | None
) -> Image:
    """Return the image of those instructions; the same ones make the same image."""
    text = f"{platform}{sorted(sizes.items(), key=str)}{names}"
    image, created = Image.objects.get_or_create(
        project_id=service.project_id,
        digest=f"sha256:{sha256(text.encode()).hexdigest()}",
        defaults={"platform": platform, "names": names or [], "size_bytes": _total(sizes)},
    )
    if created:
        Layer.objects.bulk_create(
            Layer(
                image=image,
                position=position,
                digest=f"sha256:{sha256(f'{name}{size}'.encode()).hexdigest()}",
                size_bytes=size,
                created_by=name,
            )
            for position, (name, size) in enumerate(sizes.items())
        )
    return image


def _total(sizes: Mapping[str, int | None]) -> int | None:
    known = [size for size in sizes.values() if size is not None]
    return sum(known) if len(known) == len(sizes) else None
