"""``buildinsights cache``: what to do with the caches of builders and registries."""

import click

from cli import journal
from cli.lazy import LazyGroup
from cli.settings import server

_COMMANDS = ("expire", "invalidate", "prune", "rebuild", "setup", "status", "verify", "warm")
_PLACES = {name: f"cli.cache.{name}" for name in _COMMANDS}


@click.group(cls=LazyGroup, places=_PLACES)
def cache() -> None:
    """Manage caches: fill them, and remove from them knowing what it costs."""
    click.get_current_context().call_on_close(_send_acts)


def _send_acts() -> None:
    """Send what was noted to the server, if there is one."""
    if to := server():
        journal.send(to)
