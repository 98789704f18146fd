"""What a worker shows a repository's server: a key file of the project, to that one host.

``BUILD_KEYS_DIR`` has a directory for each project, so that none can use another's.
"""

import base64
import shlex
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from farm.git import CheckoutError

HTTPS_PORT = 443
_SSH_OPTIONS = (
    "BatchMode=yes",
    "StrictHostKeyChecking=accept-new",
    "IdentitiesOnly=yes",
    # Some 45 s for a host that does not answer, or no more.
    "ConnectTimeout=15",
    "ServerAliveInterval=15",
    "ServerAliveCountMax=3",
)


@dataclass(frozen=True, slots=True)
class Keys:
    """A project's directory of keys, and the hosts that all projects know."""

    directory: Path
    known_hosts: Path

    @classmethod
    def of_project(cls, directory: Path, slug: str) -> "Keys":
        """Return those below ``BUILD_KEYS_DIR``."""
        return cls(directory / slug, directory / "known_hosts")


def transport(address: str, name: str, keys: Keys) -> dict[str, str]:
    """Return Git's variables for the one way to reach an address, with the key of that name.

    Other people of the machine cannot see them, as they could see options.

    Raises:
        CheckoutError: the key cannot be read, or is not for this host.
    """
    if address.startswith("/"):
        return {"GIT_ALLOW_PROTOCOL": "file"}
    if address.startswith("https:"):
        variables = _with_header(address, _credentials(name, address, keys)) if name else {}
        return {"GIT_ALLOW_PROTOCOL": "https", **variables}
    return {"GIT_ALLOW_PROTOCOL": "ssh", "GIT_SSH_COMMAND": shlex.join(_ssh(name, keys))}


def _ssh(name: str, keys: Keys) -> list[str]:
    command = ["ssh"]
    for option in (*_SSH_OPTIONS, f"UserKnownHostsFile={keys.known_hosts}"):
        command += ["-o", option]
    if name:
        _read(name, keys)
        command += ["-i", str(keys.directory / name)]
    return command


def _with_header(address: str, credentials: str) -> dict[str, str]:
    """Return settings by which a header goes to one repository, and nowhere it redirects to."""
    basic = base64.b64encode(credentials.encode()).decode()
    return {
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": f"http.{address}.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {basic}",
        "GIT_CONFIG_KEY_1": "http.followRedirects",
        "GIT_CONFIG_VALUE_1": "false",
    }


def _credentials(name: str, address: str, keys: Keys) -> str:
    """Return ``user:token`` of a file in the format of Git's own credential store."""
    line = _read(name, keys).strip()
    try:
        parts = urlsplit(line)
        place = _place(line)
    except ValueError:
        parts, place = urlsplit(""), ""
    is_whole = parts.scheme == "https" and parts.username and parts.password
    if not is_whole or not place or parts.path.strip("/") or len(line.split()) != 1:
        raise CheckoutError(
            f"{name} is not one line https://user:token@host, or https://user:token@host:port."
        )
    if place != _place(address):
        raise CheckoutError(f"{name} is for {place}, and not for {_place(address)}.")
    return f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"


def _place(address: str) -> str:
    """Return host and port."""
    host, _, port = urlsplit(address).netloc.rpartition("@")[2].lower().partition(":")
    return f"{host}:{port or HTTPS_PORT}" if host else ""


def _read(name: str, keys: Keys) -> str:
    try:
        return (keys.directory / name).read_text()
    except (OSError, ValueError) as error:
        raise CheckoutError(
            f"{name} cannot be read on this worker, in BUILD_KEYS_DIR/{keys.directory.name}/."
        ) from error
