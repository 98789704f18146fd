"""``buildinsights cache``: what to do with the caches of builders and registries."""

from importlib import import_module

import click

from cli import journal
from cli.settings import server

_COMMANDS = ("expire", "invalidate", "prune", "rebuild", "setup", "status", "verify", "warm")
"""Each is in the module of its name: only that of the one that is called is imported."""


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"cli.cache.{cmd_name}"), cmd_name)
        return command


@click.group(cls=_Commands)
def cache() -> None:
    """Manage caches: fill them, and remove from them knowing what it costs."""
    click.get_current_context().call_on_close(_send_acts)


def _send_acts() -> None:
    """Send what was noted to the server, if there is one."""
    if to := server():
        journal.send(to)
