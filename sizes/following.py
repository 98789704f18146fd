"""Images are followed build by build; a step of a staircase is kept where a size changes.

A build that comes late, is corrected or deleted lets all of its service be followed anew from its
start on: the same builds give the same rows.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Min

from builds.layerview import rows_of
from builds.models import Build, BuildImage, Image, Layer, Step
from builds.postponing import attempt, is_due
from builds.querysets import BuildQuerySet
from sizes.instructions import Part, named_as_before, parts_of
from sizes.models import InstructionSize, SizedImage, Waiting
from sizes.querysets import GROUP

AT_ONCE = 200
"""Builds that one transaction follows; those of the very same start belong together."""

type Group = tuple[str, ...]
type Names = dict[str, tuple[str, str]]
"""Key and name of an instruction by the digest of its layer."""


@dataclass(slots=True)
class Staircases:
    """What stands of each group while its builds are followed, and rows to be written."""

    service_id: int
    numbers: dict[Group, int] = field(default_factory=dict)
    standing: defaultdict[Group, dict[str, InstructionSize]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    names: dict[Group, Names] = field(default_factory=dict)
    """Of the image before."""
    images: list[SizedImage] = field(default_factory=list)
    made: list[InstructionSize] = field(default_factory=list)
    ended: dict[int, InstructionSize] = field(default_factory=dict)

    def next_number(self, group: Group) -> int:
        """Count an image of a group; how many there were is asked of the last one alone."""
        if group not in self.numbers:
            named = dict(zip(GROUP, group, strict=True))
            rows = SizedImage.objects.filter(service=self.service_id, **named)
            last = rows.order_by("-number").values_list("number", flat=True).first()
            self.numbers[group] = last or 0
        self.numbers[group] += 1
        return self.numbers[group]


def follow_next() -> bool:
    """Follow some builds of one service that waits; tell whether there was one."""
    with transaction.atomic():
        # Whoever notes a build waits for this row first, and so cannot wait in a circle with us.
        rows = Waiting.objects.filter(is_due()).select_for_update(skip_locked=True)
        waiting = rows.order_by("since").first()
        if waiting is None:
            return False
        if not attempt(waiting, _follow, waiting):
            waiting.put_off()
    return True


def _follow(waiting: Waiting) -> None:
    builds, last = _next_builds(waiting)
    stairs = _anew(waiting.pk, waiting.since)
    for build, image, parts in _seen(builds):
        _take(stairs, build, image, parts)
    _write(stairs)
    _wait_on(waiting, last)


def _since(service_id: int, since: datetime) -> BuildQuerySet:
    builds = Build.objects.filter(service=service_id, listed_at__gte=since)
    return builds.succeeded().order_by("listed_at", "pk")


def _next_builds(waiting: Waiting) -> tuple[list[Build], datetime | None]:
    """Return what is followed now, and its last start if more may come after it."""
    builds = _since(waiting.pk, waiting.since)
    last = builds.values_list("listed_at", flat=True)[AT_ONCE - 1 : AT_ONCE].first()
    return list(builds.filter(listed_at__lte=last) if last else builds), last


def _wait_on(waiting: Waiting, last: datetime | None) -> None:
    """Let a service wait for the builds that come after, or no more."""
    since = None
    if last is not None:
        later = Build.objects.filter(service=waiting.pk, listed_at__gt=last).succeeded()
        since = later.aggregate(first=Min("listed_at"))["first"]
    if since is None:
        waiting.delete()
    else:
        waiting.since, waiting.failures = since, 0
        waiting.save(update_fields=["since", "failures"])


def _anew(service_id: int, since: datetime) -> Staircases:
    """Forget what was found since then, and return what stood before."""
    SizedImage.objects.filter(service=service_id, at__gte=since).delete()
    stairs = InstructionSize.objects.filter(service=service_id)
    stairs.filter(at__gte=since).delete()
    stairs.filter(until__gte=since).update(until=None, builds=None)
    found = Staircases(service_id)
    for row in stairs.filter(until__isnull=True):
        found.standing[_group(row)][row.instruction] = row
    return found


def _group(row: Any) -> Group:
    return tuple(getattr(row, name) for name in GROUP)


def _seen(builds: Sequence[Build]) -> Iterator[tuple[Build, Image, list[Part]]]:
    """Yield the images of builds with what their instructions add, if all of it is known.

    Of several images of one platform the first stands for its build.
    """
    links = BuildImage.objects.filter(build__in=builds).select_related("image")
    images: defaultdict[int, list[Image]] = defaultdict(list)
    for link in links.order_by("image__platform", "image_id"):
        images[link.build_id].append(link.image)
    layers: defaultdict[int, list[Layer]] = defaultdict(list)
    keys = {image.pk for found in images.values() for image in found}
    for layer in Layer.objects.filter(image__in=keys).order_by("image_id", "position"):
        layers[layer.image_id].append(layer)
    for build in builds:
        known = [image for image in images[build.pk] if layers[image.pk]]
        steps = list(Step.objects.of(build)) if known else []
        platforms: set[str] = set()
        for image in known:
            parts = parts_of(rows_of(layers[image.pk], steps))
            if parts and image.platform not in platforms:
                platforms.add(image.platform)
                yield build, image, parts


def _take(stairs: Staircases, build: Build, image: Image, parts: Sequence[Part]) -> None:
    """Add an image, and a step of each staircase where its size is another."""
    group = (build.target, build.variant, image.platform)
    sized = SizedImage(
        service_id=build.service_id,
        **dict(zip(GROUP, group, strict=True)),
        number=stairs.next_number(group),
        build=build,
        image=image,
        at=build.listed_at,
        size_bytes=sum(part.size_bytes for part in parts),
    )
    stairs.images.append(sized)
    standing = stairs.standing[group]
    raw = parts
    if not all(part.kind for part in raw):
        parts = named_as_before(raw, _names(stairs, group))
    stairs.names[group] = _known_names(raw)
    for part in parts:
        known = standing.get(part.key)
        if known is None or known.after_bytes != part.size_bytes:
            standing[part.key] = _step(stairs, sized, known, part)
    for key in standing.keys() - {part.key for part in parts}:
        _step(stairs, sized, standing.pop(key), None)


def _names(stairs: Staircases, group: Group) -> Names:
    """Return what the layers of the group's image before were, by digest."""
    if group not in stairs.names:
        named = dict(zip(GROUP, group, strict=True))
        rows = SizedImage.objects.filter(service=stairs.service_id, **named)
        last = rows.select_related("build").order_by("-number").first()
        layers = list(last.image.layers.all()) if last else []
        steps = list(Step.objects.of(last.build)) if last else []
        stairs.names[group] = _known_names(parts_of(rows_of(layers, steps)) or [])
    return stairs.names[group]


def _known_names(parts: Sequence[Part]) -> Names:
    return {part.digest: (part.key, part.name) for part in parts if part.kind}


def _step(
    stairs: Staircases, image: SizedImage, before: InstructionSize | None, part: Part | None
) -> InstructionSize:
    """Note that an instruction adds another size than before; nothing more if it went."""
    if before:
        before.until, before.builds = image.at, image.number - before.number
        if before.pk:
            stairs.ended[before.pk] = before
    shown: Any = part or before
    new = InstructionSize(
        service_id=image.service_id,
        **{name: getattr(image, name) for name in GROUP},
        instruction=part.key if part else before.instruction if before else "",
        name=shown.name,
        position=shown.position,
        build_id=image.build_id,
        at=image.at,
        number=image.number,
        before_bytes=before.after_bytes if before else None,
        after_bytes=part.size_bytes if part else None,
        until=None if part else image.at,
    )
    stairs.made.append(new)
    return new


def _write(stairs: Staircases) -> None:
    SizedImage.objects.bulk_create(stairs.images)
    InstructionSize.objects.bulk_create(stairs.made)
    InstructionSize.objects.bulk_update(stairs.ended.values(), ["until", "builds"], batch_size=500)
