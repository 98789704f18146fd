"""Where the command keeps its records, and which server it sends them to."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Server:
    """A server and the token to send with, which never becomes text by accident."""

    url: str
    token: str

    def __repr__(self) -> str:
        return f"Server({self.url!r})"


def state_dir(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the directory of records: outside of every build context, so it busts no cache."""
    if named := environment.get("BUILDINSIGHTS_HOME"):
        return Path(named).expanduser()
    base = environment.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(base).expanduser() / "buildinsights"


def server(environment: Mapping[str, str] = os.environ) -> Server | None:
    """Return the server of ``BUILDINSIGHTS_URL`` and ``BUILDINSIGHTS_TOKEN``, if both are set."""
    url, token = environment.get("BUILDINSIGHTS_URL"), environment.get("BUILDINSIGHTS_TOKEN")
    return Server(url.rstrip("/"), token) if url and token else None


def is_ci(environment: Mapping[str, str] = os.environ) -> bool:
    """Tell whether this is a CI job, whose processes end with it."""
    return environment.get("CI", "").lower() in {"1", "true"}
