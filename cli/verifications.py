"""Verifications kept beside the records of builds, and handed to the server."""

import json
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from cli.posting import REFUSED, only_one, posted
from cli.records import new_directory, write_whole
from cli.settings import Server, state_dir

FILE = "verification.json"
TIMEOUT_SECONDS = 30
SENT_AT_ONCE = 50


def keep(result: Mapping[str, Any], policy: Mapping[str, Any] | None) -> Path | None:
    """Keep a verification, with the server's policy if it was held against that.

    A full disk fails no verification: then it is not kept.
    """
    now = datetime.now(UTC)
    content = {"id": str(uuid.uuid4()), **result}
    if policy:
        content |= {"policy": policy["name"], "policy_version": policy["version"]}
    try:
        path = new_directory(state_dir() / "verifications", now) / FILE
        write_whole(path, {"content": content, "sent": False, "upload_error": ""})
    except OSError as error:
        click.echo(f"No record is kept of this verification: {error}", err=True)
        return None
    return path


def send_waiting(to: Server) -> str:
    """Send those that were not sent yet, oldest first; return what went wrong, if anything."""
    with only_one("verifications.lock") as alone:
        waiting = list(_waiting())[:SENT_AT_ONCE] if alone else []
        for path, kept in waiting:
            error = posted(to, "verifications/", TIMEOUT_SECONDS, json=kept["content"])
            write_whole(path, {**kept, "sent": not error, "upload_error": error})
            if error and not error.startswith(REFUSED):
                return error
        return next((error for path, _ in waiting if (error := _error_of(path))), "")


def _waiting() -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in sorted((state_dir() / "verifications").glob(f"*/{FILE}")):
        kept = json.loads(path.read_text())
        if not kept["sent"] and not kept["upload_error"].startswith(REFUSED):
            yield path, kept


def _error_of(path: Path) -> str:
    return str(json.loads(path.read_text())["upload_error"])
