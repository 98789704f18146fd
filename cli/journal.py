"""What the cache commands have changed, or would have: one JSON line each, kept locally.

With a server set they are sent, too; what it cannot take now waits for the next time.
"""

import getpass
import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from uuid import uuid4

import click

from cli.settings import Server, state_dir

FILE = "cache-journal.jsonl"
SENT = "cache-journal.sent"
"""How many bytes of the file the server has."""

AT_ONCE = 100
TIMEOUT_SECONDS = 10


def note(
    action: str, target: str, dry_run: bool, outcome: str, details: Mapping[str, object]
) -> None:
    """Append one act, with time, user and host; readable by its owner alone.

    Where it cannot be written it is told: who prunes often has a full disk.
    """
    line = {
        "id": str(uuid4()),
        "at": datetime.now(UTC).isoformat(),
        "user": _user(),
        "host": socket.gethostname(),
        "action": action,
        "target": target,
        "dry_run": dry_run,
        "outcome": outcome,
        "details": dict(details),
    }
    path = state_dir() / FILE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(json.dumps(line) + "\n")
    except OSError as error:
        click.echo(f"This act is not in the journal: {error}", err=True)


def acts() -> Iterator[dict[str, Any]]:
    """Yield the acts, the oldest first; what is no line of it, of a full disk, is left out."""
    try:
        with (state_dir() / FILE).open() as file:
            for line in file:
                with suppress(ValueError):
                    yield json.loads(line)
    except OSError:
        return


def send(to: Server) -> int:
    """Send the acts that were not sent yet, in order; return how many the server took."""
    sent = 0
    while batch := _unsent():
        acts, end = batch
        if not _post(acts, to):
            break
        (state_dir() / SENT).write_text(str(end))
        sent += len(acts)
    return sent


def _unsent() -> tuple[list[dict[str, object]], int] | None:
    """Return the next acts and the place in the file where they end; ``None`` if all are sent."""
    try:
        begin = int((state_dir() / SENT).read_text())
    except (OSError, ValueError):
        begin = 0
    try:
        with (state_dir() / FILE).open("rb") as file:
            file.seek(begin)
            lines = [line for line in islice(file, AT_ONCE) if line.endswith(b"\n")]
    except OSError:
        return None
    acts = [json.loads(line) for line in lines]
    return (acts, begin + sum(map(len, lines))) if acts else None


def _post(acts: list[dict[str, object]], to: Server) -> bool:
    import requests

    try:
        answer = requests.post(
            f"{to.url}/api/v1/cache/acts/",
            headers={"Authorization": f"Bearer {to.token}"},
            json={"acts": acts},
            timeout=TIMEOUT_SECONDS,
        )
    except requests.RequestException:
        return False
    # What the server calls wrong would be wrong again, and stays in the file.
    return answer.ok or answer.status_code == requests.codes.bad_request


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())  # a container's user often has no name
