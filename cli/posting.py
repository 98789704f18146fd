"""Handing things to the server, and whether it is of use to try again."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cli.settings import Server, state_dir
from cli.terminal import inert

REFUSED = "refused"
"""Begins what is told of a request that the server would never take."""


def posted(to: Server, path: str, seconds: float, **content: Any) -> str:
    """Post to ``path`` of the API; return what went wrong, ``refused …`` if for good."""
    import requests

    try:
        answer = requests.post(
            f"{to.url}/api/v1/{path}",
            headers={"Authorization": f"Bearer {to.token}"} | content.pop("headers", {}),
            timeout=seconds,
            **content,
        )
    except requests.RequestException as error:
        return f"unreachable: {type(error).__name__}"
    if answer.ok:
        return ""
    refused = 400 <= answer.status_code < 500 and answer.status_code != 429
    return f"{REFUSED if refused else 'failed'}: {answer.status_code} {inert(answer.text[:300])}"


@contextmanager
def only_one(lock_name: str) -> Iterator[bool]:
    """Let one process at a time send what waits."""
    state_dir().mkdir(parents=True, exist_ok=True)
    with (state_dir() / lock_name).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True
