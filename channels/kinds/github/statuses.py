"""The status of a commit: one for each thing that is told of it."""

import hashlib
from urllib.parse import quote

from channels import addresses
from channels.contract import Event, Message, Severity
from channels.kinds.github.requests import GitHub
from channels.kinds.texts import headline, shortened

MOST_DESCRIPTION = 140
FAILING = frozenset({Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL})
"""What is less than this stops nobody."""


def set_status(host: GitHub, revision: str, message: Message) -> str:
    """Set the status and return its address."""
    document = {
        "state": state_of(message),
        "target_url": addresses.absolute(message.path),
        "description": shortened(headline(message), MOST_DESCRIPTION),
        "context": context_of(message.key),
    }
    said = host.ask("POST", f"/statuses/{quote(revision, safe='')}", document)
    return str(said.get("url") or "") if isinstance(said, dict) else ""


def state_of(message: Message) -> str:
    """Return the state: an alert that somebody has acknowledged is still one."""
    is_open = message.event in {Event.FIRING, Event.ACKNOWLEDGED}
    return "failure" if is_open and message.severity in FAILING else "success"


def context_of(key: str) -> str:
    """Tell the statuses of one commit apart: the end of one alert does not hide another."""
    return f"buildinsights/{hashlib.sha256(key.encode()).hexdigest()[:8]}"
