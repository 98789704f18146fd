"""Groups of commands of which only the one that is called is imported."""

from importlib import import_module
from typing import Any

import click


class LazyGroup(click.Group):
    """A group whose commands are in modules: ``places`` names the module of each."""

    def __init__(self, *args: Any, places: dict[str, str], **options: Any) -> None:
        super().__init__(*args, **options)
        self.places = places

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted(self.places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command and return it."""
        if cmd_name not in self.places:
            return None
        name = cmd_name.replace("-", "_")
        command: click.Command = getattr(import_module(self.places[cmd_name]), name)
        return command
