"""JSON documents for the server, kept beside the records of builds until it has taken them."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from cli.posting import REFUSED, only_one, posted
from cli.records import new_directory, records_dir, write_whole
from cli.settings import Server, server

LETTER = "letter.json"
TIMEOUT_SECONDS = 30
SENT_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Letter:
    """A document, and the path of the API that takes it."""

    path: str
    document: dict[str, Any]
    sent: bool = False
    upload_error: str = ""


def deliver(path: str, document: dict[str, Any], what: str) -> None:
    """Send a document and what waits; what the server cannot take now waits for the next time.

    Without a server nothing is kept.
    """
    to = server()
    if to is None:
        return
    letter = Letter(path, document)
    try:
        folder = new_directory(records_dir(), datetime.now(UTC))
        write_whole(folder / LETTER, asdict(letter))
    except OSError as error:
        click.echo(f"{what} is not kept: {error}", err=True)
        _tell(_post(letter, to), what)
        return
    letter = _send(folder, letter, to)
    if not letter.upload_error:
        send_waiting(to)
    _tell(letter.upload_error, what)


def _tell(error: str, what: str) -> None:
    click.echo(f"{what} was not sent: {error}" if error else f"{what} was sent.", err=True)


def send_waiting(to: Server) -> int:
    """Send what was not sent yet, oldest first; return how many were sent."""
    with only_one("outbox.lock") as alone:
        if not alone:
            return 0
        sent = 0
        for folder, letter in list(_waiting())[:SENT_AT_ONCE]:
            done = _send(folder, letter, to)
            if not done.sent and not done.upload_error.startswith(REFUSED):
                break
            sent += done.sent
        return sent


def _waiting() -> Iterator[tuple[Path, Letter]]:
    if not records_dir().is_dir():
        return
    for folder in sorted(records_dir().iterdir()):
        if (folder / LETTER).is_file():
            letter = Letter(**json.loads((folder / LETTER).read_text()))
            if not letter.sent and not letter.upload_error.startswith(REFUSED):
                yield folder, letter


def _send(folder: Path, letter: Letter, to: Server) -> Letter:
    error = _post(letter, to)
    letter = replace(letter, sent=not error, upload_error=error)
    write_whole(folder / LETTER, asdict(letter))
    return letter


def _post(letter: Letter, to: Server) -> str:
    return posted(to, letter.path, TIMEOUT_SECONDS, json=letter.document)
