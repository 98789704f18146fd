"""What the cache commands have changed, or would have: one JSON line each, kept locally."""

import getpass
import json
import os
import socket
from collections.abc import Mapping
from datetime import UTC, datetime

from cli.settings import state_dir

FILE = "cache-journal.jsonl"


def note(
    action: str, target: str, dry_run: bool, outcome: str, details: Mapping[str, object]
) -> None:
    """Append one act, with time, user and host; readable by its owner alone."""
    line = {
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
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(json.dumps(line) + "\n")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())  # a container's user often has no name
