"""``buildinsights init``: a project gets the Dockerfile of its kind, and a Bake file."""

import re
from pathlib import Path

import click

from buildkit.blueprint import File, Kind, expectations, files_of, kind_of
from cli.errors import UsageError

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


@click.command()
@click.argument(
    "directory", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option(
    "--blueprint",
    "kind",
    type=click.Choice([kind.value for kind in Kind]),
    help="The kind of service; told from package.json or requirements.txt if not given.",
)
@click.option("--name", help="Of the Bake target and the image (default: that of the directory).")
@click.option("--force", is_flag=True, help="Replace files that are there.")
def init(directory: Path, kind: str | None, name: str | None, *, force: bool) -> None:
    """Write a Dockerfile, its .dockerignore and a Bake file into DIRECTORY."""
    chosen = Kind(kind) if kind else kind_of(directory)
    if chosen is None:
        raise UsageError(
            f"{directory} has neither package.json nor requirements.txt: choose with --blueprint "
            f"{'|'.join(Kind)}."
        )
    wanted = name or re.sub(r"[^a-z0-9_-]+", "-", directory.resolve().name.lower()).strip("-_")
    if not _NAME.fullmatch(wanted):
        raise UsageError(f"{wanted!r} cannot name an image: use a-z, 0-9, - and _ (--name).")
    for file in files_of(chosen, wanted):
        click.echo(f"{_write(directory, file, force=force):<8} {file.path}")
    for missing in expectations(chosen, directory):
        click.echo(f"missing  {missing}")
    click.echo(f"\nBuild it: buildinsights build {wanted}")


def _write(directory: Path, file: File, *, force: bool) -> str:
    """Write a file unless it is there; say what was done."""
    path = directory / file.path
    if path.exists() and not force:
        return "same" if path.read_text(errors="replace") == file.text else "kept"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(file.text)
    return "written"
