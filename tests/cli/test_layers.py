"""The command that reads an image's layers: from archives, layouts, the engine and a registry."""

import gzip
import json
import shutil
import subprocess
import tarfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cli.layers import layers
from tests.buildkit.archives import archive, member
from tests.cli.layouts import BASE, REGISTRY, Layout

DOCKERFILE = f"""\
FROM {BASE}
RUN head -c 300000 /dev/zero > /big && mkdir -p /usr/bin && head -c 5000 /dev/zero > /usr/bin/gcc
RUN echo small > /big
RUN head -c 70000 /dev/zero > /gone
RUN rm /gone
"""
BRINGS, SHRINKS, ADDS, REMOVES = DOCKERFILE.splitlines()[1:]


def asked(*arguments: str) -> Any:
    done = CliRunner().invoke(layers, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path / "layout")
    below, above = archive(member("a", 100)), archive(member("a", 10))
    made.index(
        made.image("linux/amd64", gzip.compress(below), above),
        made.image("linux/arm64", archive(member("b", 7))),
        made.image("unknown/unknown", b"{}"),
    )
    return made


def test_a_layout_is_read(layout: Layout):
    found = asked(str(layout.root))
    assert found["platform"] == "linux/amd64"
    assert (found["total_bytes"], found["wasted_bytes"]) == (110, 100)
    assert found["wasted"] == [
        {
            "path": "a",
            "bytes": 100,
            "reason": "replaced",
            "instruction": "RUN step 0",
            "by": "RUN step 1",
        }
    ]
    assert asked(str(layout.root), "--platform", "linux/arm64")["total_bytes"] == 7


def test_an_archive_of_a_layout_is_read(layout: Layout, tmp_path: Path):
    path = tmp_path / "image.tar"
    with tarfile.open(path, "w") as tar:
        tar.add(layout.root, arcname=".", recursive=False)
        for name in ("index.json", "blobs"):
            tar.add(layout.root / name, arcname=name)
    assert asked(str(path))["wasted_bytes"] == 100


def test_an_older_archive_of_docker_is_read(tmp_path: Path):
    config = {"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": ["sha256:1"]}}
    listed = [{"Config": "config.json", "RepoTags": ["a:1"], "Layers": ["one/layer.tar"]}]
    root = tmp_path / "saved"
    (root / "one").mkdir(parents=True)
    (root / "config.json").write_text(json.dumps(config))
    (root / "manifest.json").write_text(json.dumps(listed))
    (root / "one" / "layer.tar").write_bytes(archive(member("usr/bin/make", 40)))
    path = shutil.make_archive(str(tmp_path / "saved"), "tar", root)
    found = asked(path)
    assert [(tool["name"], tool["instruction"]) for tool in found["tools"]] == [("make", "")]


@pytest.mark.parametrize(
    ("platform", "says"), [("windows/amd64", "it has linux/amd64, linux/arm64")]
)
def test_a_platform_that_is_not_there(layout: Layout, platform: str, says: str):
    done = CliRunner().invoke(layers, [str(layout.root), "--platform", platform])
    assert done.exit_code == 2
    assert says in done.output


def test_a_layer_that_cannot_be_read_is_named(layout: Layout):
    made = layout.image("linux/amd64", b"no archive" * 100)
    layout.index(made)
    done = CliRunner().invoke(layers, [str(layout.root)])
    assert done.exit_code == 2
    assert "sha256:" in done.output
    assert "is no number" in done.output


def test_a_layout_names_nothing_outside_of_it(layout: Layout):
    (layout.root.parent / "secret").write_text("{}")
    layout.index({"digest": "sha256:../../../secret", "platform": {}})
    done = CliRunner().invoke(layers, [str(layout.root)])
    assert done.exit_code == 2
    assert "is not in the image layout" in done.output


@pytest.fixture
def built(engine: str, tmp_path: Path) -> Iterator[str]:
    """An image in the engine and in the registry, with a file of each kind to be found."""
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    name = f"{REGISTRY}/buildinsights-layers/{uuid.uuid4().hex[:12]}:1"
    build = ["docker", "build", "--quiet", "--tag", name, str(tmp_path)]
    subprocess.run(build, check=True, capture_output=True, timeout=120)
    subprocess.run(["docker", "push", "--quiet", name], check=True, capture_output=True)
    yield name
    subprocess.run(["docker", "image", "rm", name], check=True, capture_output=True)


@pytest.mark.engine
@pytest.mark.parametrize("source", ["engine", "registry"])
def test_a_real_image_is_read_where_it_is_kept(built: str, source: str):
    found = asked(built, "--from", source)
    hidden = [(w["path"], w["bytes"], w["reason"], w["by"]) for w in found["wasted"]]
    assert hidden == [
        ("big", 300_000, "replaced", SHRINKS),
        ("gone", 70_000, "removed", REMOVES),
    ]
    assert [w["instruction"] for w in found["wasted"]] == [BRINGS, ADDS]
    tools = [(t["name"], t["path"], t["bytes"], t["instruction"]) for t in found["tools"]]
    assert tools == [("gcc", "usr/bin/gcc", 5000, BRINGS)]
