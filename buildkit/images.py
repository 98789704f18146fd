"""OCI descriptors, indexes, manifests and configs of what a build exported."""

from dataclasses import replace

from buildkit.model import Image, Layer
from buildkit.provenance import read_layer
from buildkit.values import Json, as_dict, as_dicts, as_list, as_size, as_text

INDEX_MEDIA_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
CONFIG_MEDIA_TYPE = "application/vnd.docker.container.image.v1+json"
CONFIG_MEDIA_TYPES = (CONFIG_MEDIA_TYPE, "application/vnd.oci.image.config.v1+json")
_UNKNOWN_PLATFORM = "unknown/unknown"


def platform_name(value: Json) -> str:
    """``os/architecture[/variant]`` of an OCI platform; empty when it has none."""
    parts = (value.get("os"), value.get("architecture"), value.get("variant"))
    return "/".join(as_text(part) for part in parts if as_text(part))


def short_name(names: tuple[str, ...]) -> str:
    """The last part of the first image name, without tag and digest; empty without names."""
    name = names[0] if names else ""
    return name.partition("@")[0].rpartition("/")[2].partition(":")[0]


def read_descriptor(descriptor: Json, names: tuple[str, ...] = ()) -> Image:
    """An image of which only the descriptor is known."""
    return Image(
        digest=as_text(descriptor.get("digest")),
        platform=platform_name(as_dict(descriptor.get("platform"))),
        media_type=as_text(descriptor.get("mediaType") or descriptor.get("media_type")),
        names=names,
    )


def read_index(index: Json) -> tuple[Image, ...]:
    """The images of an index; attestation manifests (platform unknown/unknown) are none."""
    images = (read_descriptor(item) for item in as_dicts(index.get("manifests")))
    return tuple(image for image in images if image.platform != _UNKNOWN_PLATFORM)


def read_manifest(image: Image, manifest: Json) -> Image:
    """The image with the layers and config of its manifest.

    The size is what a pull transfers: layers and config, compressed as they are stored.
    """
    config = as_dict(manifest.get("config"))
    layers = tuple(read_layer(item) for item in as_dicts(manifest.get("layers")))
    sizes = [as_size(config.get("size")), *(layer.size_bytes for layer in layers)]
    return replace(
        image,
        layers=layers,
        config_digest=as_text(config.get("digest")),
        size_bytes=None if None in sizes else sum(size for size in sizes if size is not None),
    )


def with_layers(image: Image, layers: tuple[Layer, ...]) -> Image:
    """The image with layers known from provenance, unless its manifest gave them.

    The size is that of the layers alone; it is unknown when one of theirs is.
    """
    if image.layers or not layers:
        return image
    sizes = [layer.size_bytes for layer in layers if not layer.empty]
    size = None if None in sizes else sum(size for size in sizes if size is not None)
    return replace(image, layers=layers, size_bytes=size)


def with_history(image: Image, config: Json) -> Image:
    """The image with what its config says: uncompressed digests and the command of each layer.

    History has an entry for each instruction. Those that made no layer become empty layers, so
    that the list shows all instructions. When the two do not fit each other, layers stay bare.
    """
    diff_ids = [as_text(item) for item in as_list(as_dict(config.get("rootfs")).get("diff_ids"))]
    history = as_dicts(config.get("history"))
    made = sum(not item.get("empty_layer") for item in history)
    platform = image.platform or platform_name(config)
    stored = image.layers or tuple(Layer(digest="", size_bytes=None) for _ in diff_ids)
    if not len(diff_ids) == len(stored) == made:
        return replace(image, platform=platform)
    rest = iter(zip(stored, diff_ids, strict=True))
    layers: list[Layer] = []
    for item in history:
        created_by = as_text(item.get("created_by"))
        if item.get("empty_layer"):
            layers.append(Layer(digest="", size_bytes=0, created_by=created_by, empty=True))
        else:
            layer, diff_id = next(rest)
            layers.append(replace(layer, diff_id=diff_id, created_by=created_by))
    return replace(image, platform=platform, layers=tuple(layers))
