"""JSON documents for the server, kept beside the records of builds until it has taken them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import click

from cli.posting import SENT_AT_ONCE, is_refused, posted, send_each
from cli.records import new_directory, records_dir, write_whole
from cli.settings import Server, server

LETTER = "letter.json"
TIMEOUT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Letter:
    """A document, and the path of the API that takes it."""

    path: str
    document: Mapping[str, Any]
    sent: bool = False
    upload_error: str = ""


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a document: what went wrong, as ``posted`` says it, and whether it waits."""

    error: str = ""
    is_kept: bool = False


def deliver(
    path: str, document: Mapping[str, Any], what: str, *, waits_for_server: bool = False
) -> Fate:
    """Send a document and what waits; what the server cannot take now waits for the next time.

    Where no server is set nothing is kept, unless it waits for that, too.
    """
    to = server()
    if to is None and not waits_for_server:
        return Fate()
    letter = Letter(path, document)
    folder = _kept(letter, what)
    if to is None:
        return Fate(is_kept=folder is not None)
    error = _post(letter, to) if folder is None else _send(folder, letter, to)
    if folder is not None and not error:
        send_waiting(to)
    is_kept = folder is not None and bool(error) and not is_refused(error)
    how = f"was not sent{', and is kept' if is_kept else ''}: {error}" if error else "was sent."
    click.echo(f"{what} {how}", err=True)
    return Fate(error, is_kept)


def _kept(letter: Letter, what: str) -> Path | None:
    """Keep a letter; where that cannot be it is told: a full disk fails no command."""
    try:
        folder = new_directory(records_dir(), datetime.now(UTC))
        write_whole(folder / LETTER, asdict(letter))
    except OSError as error:
        click.echo(f"{what} is not kept: {error}", err=True)
        return None
    return folder


def send_waiting(to: Server) -> int:
    """Send what was not sent yet, oldest first; return how many were sent."""
    return send_each(
        "outbox.lock", lambda: list(islice(_waiting(), SENT_AT_ONCE)), lambda it: _send(*it, to)
    )


def _waiting() -> Iterator[tuple[Path, Letter]]:
    if not records_dir().is_dir():
        return
    for folder in sorted(records_dir().iterdir()):
        if (folder / LETTER).is_file():
            letter = Letter(**json.loads((folder / LETTER).read_text()))
            if not letter.sent and not is_refused(letter.upload_error):
                yield folder, letter


def _send(folder: Path, letter: Letter, to: Server) -> str:
    error = _post(letter, to)
    write_whole(folder / LETTER, asdict(replace(letter, sent=not error, upload_error=error)))
    return error


def _post(letter: Letter, to: Server) -> str:
    return posted(to, letter.path, TIMEOUT_SECONDS, json=letter.document)
