"""Handing things to the server, and whether it is of use to try again."""

import fcntl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from cli.settings import Server, state_dir
from cli.terminal import inert

DOCUMENT_SECONDS = 60

SENT_AT_ONCE = 50
"""How much of what waits one run tries to send."""

_REFUSED = "refused"


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
    return f"{_REFUSED if refused else 'failed'}: {answer.status_code} {inert(answer.text[:300])}"


def posted_document(to: Server, path: str, data: bytes, query: Mapping[str, str]) -> str:
    """Post a document of JSON that may be large, and what is known beside it; as ``posted``."""
    return posted(
        to,
        path,
        DOCUMENT_SECONDS,
        params={name: text for name, text in query.items() if text},
        data=data,
        headers={"Content-Type": "application/json"},
    )


def is_refused(error: str) -> bool:
    """Tell whether what went wrong is that the server would never take it."""
    return error.startswith(_REFUSED)


def send_each[T](
    lock_name: str, waiting: Callable[[], Sequence[T]], send: Callable[[T], str]
) -> int:
    """Send what waits, in its order; return how much of it the server took.

    ``send`` returns what went wrong. What is refused is passed over; if the server can take
    nothing now, nothing more is tried. Of several processes only one does it.
    """
    taken = 0
    with _only_one(lock_name) as alone:
        for item in waiting() if alone else ():
            error = send(item)
            if error and not is_refused(error):
                break
            taken += not error
    return taken


@contextmanager
def _only_one(lock_name: str) -> Iterator[bool]:
    state_dir().mkdir(parents=True, exist_ok=True)
    with (state_dir() / lock_name).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True
