"""Tags of single platforms beside a pushed index: ``app:1.0`` gets ``app:1.0-amd64``."""

from collections.abc import Sequence

import click

from cli.engine import buildx
from cli.planning import plan_of


def tag_platforms(files: Sequence[str], targets: Sequence[str], overrides: Sequence[str]) -> None:
    """Tag each platform of what was pushed; nothing is built or copied for it."""
    for target in plan_of(files, targets, overrides).targets.values():
        for tag in target.tags:
            for platform in target.platforms:
                name = f"{tag}-{suffix(platform)}"
                buildx("imagetools", "create", "--platform", platform, "--tag", name, tag)
                click.echo(f"tagged {name}", err=True)


def suffix(platform: str) -> str:
    """Return what a tag says of a platform: linux is understood."""
    return platform.removeprefix("linux/").replace("/", "-")
