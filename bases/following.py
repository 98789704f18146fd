"""What builds stand on, told from their Dockerfile and provenance: same build, same rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from bases.models import BaseImage, BaseRepository, BaseUse, TagLook, Waiting
from bases.standing import stand_anew
from buildkit.dockerfile import read_dockerfile
from buildkit.errors import ParseError
from buildkit.model import Material as DecodedMaterial
from buildkit.registry import Reference
from builds.branches import branch_class
from builds.layerview import rows_of
from builds.models import Build, BuildSource, Layer, Service, Step
from supplychain.bases.materials import (
    MaterialImage,
    StandsOn,
    images_of,
    images_of_steps,
    standing,
)
from supplychain.bases.names import describe
from supplychain.bases.stages import Base, Inputs, Role, bases_of

CONTEXT = "context:"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a build stood on for one platform, with what its image has of its base."""

    platform: str
    stands_on: StandsOn
    size_bytes: int | None = None
    layers: int | None = None


def follow_next() -> bool:
    """Follow one build that waits; tell whether there was one."""
    with transaction.atomic():
        waiting = Waiting.objects.select_for_update(skip_locked=True).order_by("pk").first()
        if waiting is None:
            return False
        builds = Build.objects.annotate(branch=branch_class())
        follow(builds.get(pk=waiting.pk))
        waiting.delete()
    return True


def follow(build: Build) -> None:
    """Write what a build stands on in the place of what was written of it; it has ``branch``."""
    before = list(BaseUse.objects.filter(build=build))
    BaseUse.objects.filter(build=build).delete()
    uses = [_use(build, seen) for seen in seen_by(build)] if _counts(build) else []
    BaseUse.objects.bulk_create(uses, ignore_conflicts=True)
    # One row of a service at a time says which of its builds is the newest.
    Service.objects.select_for_update().get(pk=build.service_id)
    stand_anew([*before, *uses])


def _counts(build: Build) -> bool:
    return build.status == Build.Status.SUCCEEDED


def seen_by(build: Build) -> Iterator[Seen]:
    """Yield what a build stood on; bases without a digest that is known are left out."""
    steps = list(Step.objects.of(build))
    source = source_of(build)
    materials = (DecodedMaterial(row.uri, row.digest) for row in build.materials.all())
    images = images_of(materials)
    for platform in build.platforms or [""]:
        bases = bases_of_build(build, source, platform)
        known = images or (_of_steps(steps) if bases else [])
        sizes = _sizes(build, platform, steps)
        for one in standing(bases, known):
            if one.digest:
                is_final = one.role is Role.FINAL
                yield Seen(platform, one, *(sizes if is_final else (None, None)))


def _of_steps(steps: Sequence[Step]) -> list[MaterialImage]:
    return images_of_steps((step.name, step.platform) for step in steps if step.kind == "from")


def source_of(build: Build) -> BuildSource | None:
    """Return the Dockerfile that a build read, if it is known which of its files that is."""
    sources = list(build.sources.all())
    named = [row for row in sources if row.filename == build.frontend_attrs.get("filename")]
    fitting = named or sources
    return fitting[0] if len(fitting) == 1 else None


def bases_of_build(build: Build, source: BuildSource | None, platform: str) -> tuple[Base, ...]:
    """Return the bases that a build's Dockerfile names; none of one that cannot be read."""
    if source is None:
        return ()
    try:
        dockerfile = read_dockerfile(source.source_text.text)
    except ParseError:
        return ()
    return bases_of(dockerfile, inputs_of(build, platform))


def inputs_of(build: Build, platform: str) -> Inputs:
    """Return what a build was told beside its Dockerfile."""
    contexts = {
        name.removeprefix(CONTEXT): str(address)
        for name, address in build.frontend_attrs.items()
        if name.startswith(CONTEXT)
    }
    return Inputs(build.target, build.build_args, contexts, platform, build.builder_platform)


def _sizes(build: Build, platform: str, steps: Sequence[Step]) -> tuple[int | None, int | None]:
    """Return bytes and number of the layers that a build's image has of its base, if known."""
    layers = list(
        Layer.objects.filter(image__builds=build, image__platform=platform).order_by(
            "image_id", "position"
        )
    )
    first = [layer for layer in layers if layer.image_id == layers[0].image_id]
    rows = [row for row in rows_of(first, steps) if row.base and not row.empty]
    sizes = [row.size_bytes for row in rows]
    known = [size for size in sizes if size is not None]
    if not rows or len(known) != len(sizes):
        return None, None
    return sum(known), sum(row.layers for row in rows)


def _use(build: Build, seen: Seen) -> BaseUse:
    one = seen.stands_on
    image = image_of(build.project_id, one.reference, one.digest, build.listed_at)
    if not one.is_pinned and one.reference.tag:
        note_look(image, TagLook.Source.BUILDS, build.listed_at)
    return BaseUse(
        image=image,
        build=build,
        service_id=build.service_id,
        target=build.target,
        variant=build.variant,
        platform=seen.platform,
        branch_class=build.branch,  # type: ignore[attr-defined]
        at=build.listed_at,
        role=one.role.value if one.role else BaseUse.Role.UNKNOWN,
        stage=one.base.stage if one.base else "",
        is_pinned=one.is_pinned,
        size_bytes=seen.size_bytes,
        layers=seen.layers,
    )


def image_of(project_id: int, reference: Reference, digest: str, at: datetime) -> BaseImage:
    """Return the row of an image, with the time at which it was seen."""
    said = describe(reference)
    repository, _ = BaseRepository.objects.get_or_create(
        project_id=project_id,
        host=reference.host,
        name=reference.repository,
        defaults={"runtime": said.runtime},
    )
    image, is_new = BaseImage.objects.get_or_create(
        repository=repository,
        tag=reference.tag,
        digest=digest,
        defaults={
            "project_id": project_id,
            "family": said.family,
            "variant": said.variant,
            "is_official": said.is_official,
            "first_seen_at": at,
            "last_seen_at": at,
        },
    )
    if not is_new:
        _widen(image, {"first_seen_at": at, "last_seen_at": at})
    return image


def note_look(image: BaseImage, source: str, at: datetime) -> None:
    """Note that the image's tag meant its digest at a moment."""
    look, is_new = TagLook.objects.get_or_create(
        image=image, source=source, defaults={"first_at": at, "last_at": at}
    )
    if not is_new:
        _widen(look, {"first_at": at, "last_at": at})


def _widen(row: BaseImage | TagLook, moments: Mapping[str, datetime]) -> None:
    """Let a time from first to last have a moment within it."""
    changed = [
        name
        for name, at in moments.items()
        if (at < getattr(row, name) if name.startswith("first") else at > getattr(row, name))
    ]
    for name in changed:
        setattr(row, name, moments[name])
    if changed:
        row.save(update_fields=changed)
