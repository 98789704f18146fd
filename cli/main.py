"""The command and its parts."""

import os
import sys
from importlib import import_module
from typing import NoReturn

import click

_PLACES = {
    "build": "building",
    "cache": "cache.group",
    "collect": "uploading",
    "debug": "debugging",
    "doctor": "inspecting",
    "explain": "reasons",
    "graph": "inspecting",
    "history": "inspecting",
    "init": "starting",
    "upload": "uploading",
    "variants": "variants",
}
"""The module of each command: only that of the one that is called is imported."""


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_PLACES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _PLACES:
            return None
        command: click.Command = getattr(import_module(f"cli.{_PLACES[cmd_name]}"), cmd_name)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="buildinsights")
def main() -> None:
    """Build containers with Bake, and know what each build did.

    Works in any repository with a Bake or compose file. Records are kept locally, and sent to a
    server when BUILDINSIGHTS_URL and BUILDINSIGHTS_TOKEN are set.

    Exit codes: 1 the build failed, 2 wrong usage, 3 no engine, 130 canceled.
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
