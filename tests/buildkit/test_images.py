"""OCI documents by hand."""

import pytest

from buildkit import images
from buildkit.model import Image, Layer

LAYERS = (Layer("sha256:1", 10), Layer("sha256:2", 5))


def history(*entries: str) -> list[dict[str, object]]:
    """History of a config; a name with a dash in front made no layer."""
    return [
        {"created_by": entry.removeprefix("-"), "empty_layer": entry.startswith("-")}
        for entry in entries
    ]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("registry:5000/team/shop:1.2@sha256:00", "other"), "shop"),
        (("busybox",), "busybox"),
        (("localhost:5000/a",), "a"),
        ((), ""),
    ],
)
def test_short_names(names: tuple[str, ...], expected: str) -> None:
    assert images.short_name(names) == expected


def test_an_index_without_its_attestations() -> None:
    index = {
        "manifests": [
            {"digest": "a", "platform": {"os": "linux", "architecture": "arm", "variant": "v7"}},
            {"digest": "b", "platform": {"os": "unknown", "architecture": "unknown"}},
            {"digest": "c"},
        ]
    }
    found = [(image.digest, image.platform) for image in images.read_index(index)]
    assert found == [("a", "linux/arm/v7"), ("c", "")]


def test_a_manifest_counts_layers_and_config() -> None:
    manifest = {
        "config": {"digest": "sha256:c", "size": 3},
        "layers": [{"digest": "sha256:1", "size": 10}, {"digest": "sha256:2", "size": 5}],
    }
    image = images.read_manifest(Image("d", "", ""), manifest)
    assert (image.size_bytes, image.config_digest, image.layers) == (18, "sha256:c", LAYERS)


def test_an_unknown_size_makes_the_whole_unknown() -> None:
    manifest = {"config": {"size": 3}, "layers": [{"digest": "sha256:1", "size": -1}]}
    assert images.read_manifest(Image("d", "", ""), manifest).size_bytes is None
    layers = (*LAYERS, Layer("sha256:3", None))
    assert images.with_layers(Image("d", "", ""), layers).size_bytes is None
    assert images.with_layers(Image("d", "", ""), LAYERS).size_bytes == 15


def test_layers_of_the_manifest_win() -> None:
    image = Image("d", "", "", layers=LAYERS, size_bytes=18)
    assert images.with_layers(image, (Layer("x", 1),)) == image


def test_history_names_the_command_of_each_layer() -> None:
    config = {
        "os": "linux",
        "architecture": "amd64",
        "rootfs": {"diff_ids": ["sha256:d1", "sha256:d2"]},
        "history": history("FROM", "-ENV", "RUN"),
    }
    image = images.with_history(Image("d", "", "", layers=LAYERS), config)
    assert image.platform == "linux/amd64"
    assert [(layer.created_by, layer.diff_id, layer.empty) for layer in image.layers] == [
        ("FROM", "sha256:d1", False),
        ("ENV", "", True),
        ("RUN", "sha256:d2", False),
    ]
    assert [layer.size_bytes for layer in image.layers] == [10, 0, 5]


def test_history_that_does_not_fit_is_left_out() -> None:
    config = {"rootfs": {"diff_ids": ["sha256:d1"]}, "history": history("FROM", "RUN")}
    image = Image("d", "linux/amd64", "", layers=LAYERS)
    assert images.with_history(image, config) == image


def test_layers_known_from_the_config_alone() -> None:
    config = {"rootfs": {"diff_ids": ["sha256:d1"]}, "history": history("FROM")}
    [layer] = images.with_history(Image("d", "", ""), config).layers
    assert (layer.digest, layer.diff_id, layer.size_bytes) == ("", "sha256:d1", None)
