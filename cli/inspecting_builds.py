"""``buildinsights build --inspect``: checks of the images that a build leaves."""

from collections.abc import Mapping, Sequence

import click

from cli import outbox
from cli.errors import USAGE_ERROR, UsageError
from cli.image_checks import Wanted, inspect_image, lines
from cli.running import Done
from cli.scanning_builds import Expected, images_of
from cli.terminal import told

SOURCES = {True: "registry", False: "engine"}
"""Where an image is read, by whether it was pushed."""


def inspect_built(expected: Mapping[str, Expected], runs: Sequence[Done]) -> int:
    """Look at what the runs have left; return the exit code, which no failing check changes.

    What was pushed is read where it was pushed to, by its digest.
    """
    code = 0
    for done in runs:
        if done.ended.outcome != "succeeded":
            continue  # a broken cache failed it, and a later run has built it
        for target, image, platform in images_of(expected, done.record):
            wanted = Wanted(
                image.pinned or image.name,
                platform=platform,
                source=SOURCES[expected[target].pushed],
                service=image.service,
                variant=image.variant,
                environment=image.environment,
                shown=image.name,
            )
            code = _inspect(wanted) or code
    return code


def _inspect(wanted: Wanted) -> int:
    name = f"{wanted.shown} ({wanted.platform})" if wanted.platform else wanted.shown
    click.echo(f"\nChecks of {name}", err=True)
    try:
        report, checked = inspect_image(wanted)
    except UsageError as error:
        click.echo(f"Error: {name}: {error.message}", err=True)
        return USAGE_ERROR
    click.echo(told(lines(checked)), err=True)
    outbox.deliver("inspections/", report, "The result")
    return 0
