"""Writes what a build was made from, what came out of it and what was said about it."""

from buildkit.model import Build as DecodedBuild
from buildkit.model import Image as DecodedImage
from builds.masking import mask_secrets
from builds.models import (
    Build,
    BuildImage,
    BuildSource,
    BuildWarning,
    Image,
    Layer,
    Material,
    ResourceSeries,
    SourceText,
)
from builds.rows import fitted, line_pairs, resource_columns, text_sha256

OWNED = (Material, BuildWarning, BuildSource, ResourceSeries, BuildImage)


def write_evidence(build: Build, decoded: DecodedBuild) -> None:
    """Write everything that hangs below ``build`` beside steps and logs."""
    _write_materials(build, decoded)
    _write_warnings(build, decoded)
    _write_sources(build, decoded)
    _write_images(build, decoded)
    if decoded.resources:
        ResourceSeries.objects.create(
            build=build, **resource_columns(decoded.resources, decoded.started_ns)
        )


def delete_evidence(build: Build) -> None:
    """Delete what ``write_evidence`` wrote; images and texts that others may share stay."""
    for model in OWNED:
        model._default_manager.filter(build=build).delete()  # noqa: SLF001


def _write_materials(build: Build, decoded: DecodedBuild) -> None:
    if decoded.materials:
        Material.objects.bulk_create(
            Material(
                build=build,
                **fitted(Material, {"uri": mask_secrets(m.uri), "digest": m.digest}),
            )
            for m in decoded.materials
        )


def _write_warnings(build: Build, decoded: DecodedBuild) -> None:
    if not decoded.warnings:
        return
    rows = (
        {
            "level": max(0, min(warning.level, 32767)),
            "short": warning.short,
            "detail": "\n".join(warning.detail),
            "url": warning.url,
            "filename": warning.filename,
            "lines": line_pairs(warning.ranges),
        }
        for warning in decoded.warnings
    )
    BuildWarning.objects.bulk_create(
        BuildWarning(build=build, **fitted(BuildWarning, row)) for row in rows
    )


def _write_sources(build: Build, decoded: DecodedBuild) -> None:
    for source in decoded.sources:
        masked = mask_secrets(source.text)
        text, _ = SourceText.objects.get_or_create(
            project_id=build.project_id,
            sha256=text_sha256(masked),
            defaults={"text": masked},
        )
        values = fitted(BuildSource, {"filename": source.filename, "language": source.language})
        BuildSource.objects.create(build=build, source_text=text, **values)


def _write_images(build: Build, decoded: DecodedBuild) -> None:
    for decoded_image in decoded.images:
        image = _get_or_create_image(build.project_id, decoded_image)
        BuildImage.objects.get_or_create(build=build, image=image)


def _get_or_create_image(project_id: int, decoded: DecodedImage) -> Image:
    """Find an image by digest; a later piece that knows more than an earlier one adds to it."""
    known = fitted(
        Image,
        {
            "platform": decoded.platform,
            "media_type": decoded.media_type,
            "size_bytes": decoded.size_bytes,
            "config_digest": decoded.config_digest,
        },
    )
    image, created = Image.objects.get_or_create(
        project_id=project_id,
        digest=decoded.digest[:80],
        defaults={**known, "names": [name[:500] for name in decoded.names]},
    )
    if not created:
        for name, value in known.items():
            setattr(image, name, getattr(image, name) or value)
        image.names = sorted({*image.names, *(name[:500] for name in decoded.names)})
        image.save()
    if decoded.layers and not image.layers.exists():
        Layer.objects.bulk_create(
            Layer(
                image=image,
                position=position,
                **fitted(
                    Layer,
                    {
                        "digest": layer.digest,
                        "diff_id": layer.diff_id,
                        "media_type": layer.media_type,
                        "size_bytes": layer.size_bytes,
                        "created_by": layer.created_by,
                        "empty": layer.empty,
                    },
                ),
            )
            for position, layer in enumerate(decoded.layers)
        )
    return image
