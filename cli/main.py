"""The command and its parts."""

import click

from cli.building import build
from cli.debugging import debug
from cli.inspecting import doctor, graph, history
from cli.starting import init
from cli.uploading import collect, upload
from cli.variants import variants


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="buildinsights")
def main() -> None:
    """Build containers with Bake, and know what each build did.

    Works in any repository with a Bake or compose file. Records are kept locally, and sent to a
    server when BUILDINSIGHTS_URL and BUILDINSIGHTS_TOKEN are set.

    Exit codes: 1 the build failed, 2 wrong usage, 3 no engine, 130 canceled.
    """


for command in (build, debug, graph, history, doctor, init, upload, collect, variants):
    main.add_command(command)
