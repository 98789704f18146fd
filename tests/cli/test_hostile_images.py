"""Images on disk that nobody ought to make: each ends with a word about where, and soon."""

import gzip
import io
import json
import lzma
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from buildkit import imagestore
from cli.image_checks import inspect
from cli.layers import layers
from tests.buildkit.archives import archive, member
from tests.cli.layouts import Layout

ESCAPES = "\x1b]0;owned\x07"
CONFIG = {
    "os": "linux",
    "architecture": "amd64",
    "rootfs": {"diff_ids": ["sha256:1"]},
    "history": [{"created_by": f"RUN {ESCAPES}"}],
}


def saved(folder: Path, layer: bytes = b"", **parts: bytes) -> Path:
    """Return an archive as older versions of Docker save an image."""
    files = {
        "config.json": json.dumps(CONFIG).encode(),
        "manifest.json": json.dumps([{"Config": "config.json", "Layers": ["l"]}]).encode(),
        "l": layer or archive(member("a", 1)),
    }
    path = folder / "image.tar"
    with tarfile.open(path, "w") as tar:
        for name, data in (files | {f"{key}.json": data for key, data in parts.items()}).items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def refused(path: Path) -> str:
    """Return the one line in which both commands refuse an image."""
    told = [CliRunner().invoke(command, [str(path)]) for command in (layers, inspect)]
    assert [done.exit_code for done in told] == [2, 2], told[0].output
    assert told[0].output == told[1].output
    return str(told[0].output)


@pytest.mark.parametrize(
    ("manifest", "says"),
    [
        (b"[" * 100_000, "manifest.json: JSON is nested too deeply"),
        (b"{nope", "manifest.json: not JSON"),
        (b"[]" + b" " * 8 * 1024**2, "manifest.json: JSON of 8388610 bytes"),
        (
            json.dumps([{"Config": "config.json", "Layers": ["l"] * 1001}]).encode(),
            "manifest.json: no image: it has 1001 layers",
        ),
    ],
)
def test_a_manifest_that_is_none(tmp_path: Path, manifest: bytes, says: str):
    assert says in refused(saved(tmp_path, manifest=manifest))


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
def test_a_packed_archive_that_ends_early(tmp_path: Path, pack: Any):
    path = saved(tmp_path, layer=archive(member("a", 1)) + os.urandom(50_000))
    packed = pack(path.read_bytes())
    path.write_bytes(packed[: len(packed) // 2])
    assert f"{path}: no archive of an image: Compressed file ended before" in refused(path)


def test_a_header_of_an_archive_is_not_kept_if_it_is_huge(tmp_path: Path):
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 6 * 1024**3
    (path := tmp_path / "image.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    assert "a header of 6442450944 bytes" in refused(path)


def test_headers_of_headers(tmp_path: Path):
    info = tarfile.TarInfo("x")
    info.type = tarfile.XHDTYPE
    path = tmp_path / "image.tar"
    path.write_bytes(info.tobuf(tarfile.GNU_FORMAT) * 20_000 + bytes(1024))
    assert f"{path}: no archive of an image" in refused(path)


def test_entries_and_bytes_of_an_archive_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = saved(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(imagestore, "MOST_MEMBERS", 2)
        assert f"{path}: more than 2 entries" in refused(path)
    monkeypatch.setattr(imagestore, "MOST_BYTES", 2000)
    assert f"{path}: unpacks to more than 2000 bytes" in refused(path)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "image.tar")
    assert "is neither a file nor a directory" in refused(tmp_path / "image.tar")


@pytest.mark.parametrize("is_layer", [False, True])
def test_what_a_layout_names_by_another_digest(tmp_path: Path, is_layer: bool):
    layout = Layout(tmp_path / "layout")
    manifest = layout.image("linux/amd64", archive(member("a", 1)))
    layout.index(manifest)
    blobs = layout.root / "blobs" / "sha256"
    if is_layer:
        [layer] = json.loads((blobs / manifest["digest"][7:]).read_bytes())["layers"]
        digest, other = layer["digest"], archive(member("b", 1))
    else:
        digest, other = manifest["digest"], b"{}"
    (blobs / digest[7:]).write_bytes(other)
    done = CliRunner().invoke(layers, [str(layout.root)])
    assert done.exit_code == 2
    assert f"{digest}: the file's bytes are those of sha256:" in done.output


def test_a_layer_that_is_another_makes_checks_unknown(tmp_path: Path):
    layout = Layout(tmp_path / "layout")
    manifest = layout.image("linux/amd64", archive(member("a", 1)))
    layout.index(manifest)
    blobs = layout.root / "blobs" / "sha256"
    [layer] = json.loads((blobs / manifest["digest"][7:]).read_bytes())["layers"]
    (blobs / layer["digest"][7:]).write_bytes(archive(member("b", 1)))
    done = CliRunner().invoke(inspect, [str(layout.root)])
    assert f"Not all of the image was read: {layer['digest']}: the file's bytes" in done.output


def test_names_and_instructions_do_not_command_a_terminal(tmp_path: Path):
    name = f"a{ESCAPES}\nFAKE"
    path = saved(tmp_path, layer=archive(member(name, 5), member(name, 7)))
    done = CliRunner().invoke(layers, [str(path)])
    assert done.exit_code == 0
    assert "/a�]0;owned��FAKE  replaced" in done.output
    assert "brought by RUN �]0;owned�" in done.output
