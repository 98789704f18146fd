"""The command and its parts."""

import os
import sys
from typing import NoReturn

import click

from cli.lazy import LazyGroup

_PLACES = {
    "advise": "cli.advising",
    "build": "cli.building",
    "cache": "cli.cache.group",
    "check": "cli.judging",
    "collect": "cli.uploading",
    "deployed": "cli.deploying",
    "debug": "cli.debugging",
    "doctor": "cli.inspecting",
    "explain": "cli.reasons",
    "graph": "cli.inspecting",
    "history": "cli.inspecting",
    "init": "cli.starting",
    "inspect": "cli.image_checks",
    "layers": "cli.layers",
    "lint": "cli.linting",
    "sbom": "cli.sboms",
    "scan": "cli.scanning",
    "sign": "cli.signing",
    "update-base": "cli.bases.command",
    "upload": "cli.uploading",
    "variants": "cli.variants",
    "verify": "cli.trusting",
}
"""The module of each command: only that of the one that is called is imported."""


@click.group(
    cls=LazyGroup, places=_PLACES, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name="buildinsights")
def main() -> None:
    """Build containers with Bake, and know what each build did.

    Works in any repository with a Bake or compose file. Records are kept locally, and sent to a
    server when BUILDINSIGHTS_URL and BUILDINSIGHTS_TOKEN are set.

    Exit codes: 1 the build failed, 2 wrong usage, 3 no engine, 4 findings of a scan, 5 no trivy,
    6 trivy failed, 7 an image is not trusted, 8 no cosign, 9 cosign or a registry failed,
    10 a policy refuses an image, 11 it cannot tell, 130 canceled.
    """


def run() -> NoReturn:
    """Run the command and end at once: taking the interpreter apart costs more than a summary."""
    try:
        main()
    except SystemExit as end:
        code = end.code
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0)
