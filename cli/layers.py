"""``buildinsights layers``: what lies in an image and need not be there; no server is asked."""

import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from buildkit.errors import ParseError
from buildkit.imagefiles import ImageFiles, from_path, from_registry, read_contents
from buildkit.imagefiles import told as contents_as_json
from cli.engine import docker
from cli.errors import UsageError
from cli.summary import size
from cli.terminal import told

SAVE_SECONDS = 1_800
SHOWN = 20


def image_options[C: Callable[..., object]](command: C) -> C:
    """Give a command the image that it reads, where from, and whether it answers as JSON."""
    options = (
        click.argument("image"),
        click.option(
            "--platform", default="", help="Of several, e.g. linux/arm64 (default: the first)."
        ),
        click.option(
            "--from",
            "source",
            type=click.Choice(["engine", "registry"]),
            help="Where to read it (default: the engine if it has it, else the registry).",
        ),
        click.option("--json", "as_json", is_flag=True, help="Print it as JSON."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command
@image_options
def layers(image: str, platform: str, source: str | None, *, as_json: bool) -> None:
    """Show which files of IMAGE later layers hide, and which development tools it has.

    IMAGE is a name in the local engine or in a registry, or the path of an OCI image layout or of
    an archive of `docker save`.
    """
    from buildkit.registry import RegistryError

    try:
        with image_files(image, platform, source) as files:
            found = contents_as_json(read_contents(files), files.instructions)
    except (ParseError, RegistryError) as error:
        raise UsageError(str(error)) from error
    found = {"image": image, "platform": files.platform, "layers": len(files.layers), **found}
    click.echo(json.dumps(found, indent=2) if as_json else told(_lines(found)))


@contextmanager
def image_files(image: str, platform: str, source: str | None) -> Iterator[ImageFiles]:
    """Have an image of a path, of the local engine or of a registry while the block runs."""
    source = source or source_of(image)
    if source == "path":
        with from_path(Path(image), platform) as files:
            yield files
    elif source == "engine":
        with _saved(image) as path, from_path(path, platform) as files:
            yield files
    else:
        yield _in_registry(image, platform)


def source_of(image: str) -> str:
    """Return where an image is read if nobody says it: ``path``, ``engine`` or ``registry``."""
    if Path(image).exists():
        return "path"
    return "engine" if _is_in_engine(image) else "registry"


def _is_in_engine(image: str) -> bool:
    command = [docker(), "image", "inspect", "--format", "{{.Id}}", "--", image]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@contextmanager
def _saved(image: str) -> Iterator[Path]:
    """Have an image of the engine as an archive while the block runs."""
    with tempfile.TemporaryDirectory(prefix="buildinsights-layers-") as folder:
        path = Path(folder) / "image.tar"
        command = [docker(), "image", "save", "--output", str(path), "--", image]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=SAVE_SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise UsageError(f"docker did not save {image} in {SAVE_SECONDS} s.") from error
        if done.returncode:
            raise UsageError(done.stderr.strip() or f"docker could not save {image}")
        yield path


def _in_registry(image: str, platform: str) -> ImageFiles:
    from buildkit.registry import Reference, Registry, credentials_for

    reference = Reference.parse(image)
    registry = Registry(reference.host, credentials_for(reference.host))
    return from_registry(registry, reference, platform)


def _lines(found: dict[str, Any]) -> Iterator[str]:
    platform = f" ({found['platform']})" if found["platform"] else ""
    yield f"{found['image']}{platform}: {found['layers']} layers"
    yield f"{size(found['total_bytes'])} of files, not compressed"
    yield f"{size(found['wasted_bytes'])} wasted: later layers replace or remove them"
    for waste in found["wasted"][:SHOWN]:
        yield f"  {size(waste['bytes']):>9}  /{waste['path']}  {waste['reason']}"
        yield f"             brought by {waste['instruction'] or 'a layer without a history'}"
        yield f"             hidden by  {waste['by'] or 'a layer without a history'}"
    if not found["tools"]:
        yield "No development tool that is known was found."
        return
    total = sum(tool["bytes"] for tool in found["tools"])
    yield f"{size(total)} of development tools"
    for tool in found["tools"][:SHOWN]:
        yield f"  {size(tool['bytes']):>9}  {tool['name']}: /{tool['path']} ({tool['files']})"
        yield f"             brought by {tool['instruction'] or 'a layer without a history'}"
