"""Credentials for registries, where ``docker login`` keeps them."""

import base64
import binascii
import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from buildkit.registry.errors import CredentialsError
from buildkit.registry.reference import DOCKER_HUB
from buildkit.values import Json, as_dict, as_text

HELPER_SECONDS = 20
_MAX_CONFIG_BYTES = 1024**2
_DOCKER_HUB_ADDRESS = "https://index.docker.io/v1/"
_DOCKER_HUB_KEYS = ("index.docker.io", "docker.io", "registry-1.docker.io")
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_IDENTITY = "<token>"
"""Username of a helper's answer whose secret is an identity token."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A name and a password, or an identity token; they never become text by accident."""

    username: str = ""
    password: str = ""
    identity_token: str = ""

    def __repr__(self) -> str:
        return f"Credentials({self.username!r})"

    def basic(self) -> str:
        """Return the value of a header ``Authorization`` with name and password."""
        pair = f"{self.username}:{self.password}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"


def config_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of Docker's configuration."""
    return Path(environment.get("DOCKER_CONFIG") or Path.home() / ".docker")


def credentials_for(host: str, folder: Path | None = None) -> Credentials | None:
    """Return what Docker would present to a registry; ``None`` if nobody has logged in there.

    ``folder`` has Docker's ``config.json``, by default the one of this user.

    Raises:
        CredentialsError: the configuration cannot be read, or a helper failed.
    """
    config = _config(folder or config_folder())
    helpers = as_dict(config.get("credHelpers"))
    helper = next((as_text(helpers[key]) for key in _keys(host) if key in helpers), "")
    if helper := helper or as_text(config.get("credsStore")):
        return _ask_helper(helper, _DOCKER_HUB_ADDRESS if host == DOCKER_HUB else host)
    auths = {_host_of(key): item for key, item in as_dict(config.get("auths")).items()}
    return next((_read(as_dict(auths[key]), host) for key in _keys(host) if key in auths), None)


def _config(folder: Path) -> Json:
    path = folder / "config.json"
    try:
        with path.open("rb") as file:
            document: Any = json.loads(file.read(_MAX_CONFIG_BYTES))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise CredentialsError(path, error.strerror or "cannot be read") from error
    except (ValueError, RecursionError):
        # The decoder's own words quote what it read.
        raise CredentialsError(path, "is not JSON") from None
    return as_dict(document)


def _keys(host: str) -> tuple[str, ...]:
    return _DOCKER_HUB_KEYS if host == DOCKER_HUB else (host,)


def _host_of(key: str) -> str:
    """Return the host of a key of ``auths``, which may be an address: ``https://host/v1/``."""
    return re.sub(r"^https?://", "", key).partition("/")[0]


def _read(item: Json, host: str) -> Credentials | None:
    if token := as_text(item.get("identitytoken")):
        return Credentials(identity_token=token)
    username, password = as_text(item.get("username")), as_text(item.get("password"))
    if encoded := as_text(item.get("auth")):
        try:
            decoded = base64.b64decode(encoded, validate=True).decode()
        except (binascii.Error, ValueError):
            raise CredentialsError(host, "Docker's config.json has no readable auth") from None
        username, _, password = decoded.rstrip("\0").partition(":")
    return Credentials(username, password) if username and password else None


def _ask_helper(helper: str, address: str) -> Credentials | None:
    """Ask a credential helper; it says with an exit code that it knows nothing of an address."""
    if not _HELPER.fullmatch(helper):
        raise CredentialsError(address, "Docker's config.json names no proper credential helper")
    program = f"docker-credential-{helper}"
    try:
        done = subprocess.run(
            [program, "get"],
            input=address.encode(),
            capture_output=True,
            timeout=HELPER_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise CredentialsError(address, f"{program} is not on PATH") from None
    except (OSError, subprocess.TimeoutExpired):
        raise CredentialsError(address, f"{program} did not answer") from None
    if done.returncode:
        if b"not found" in done.stdout + done.stderr:
            return None
        raise CredentialsError(address, f"{program} ended with exit code {done.returncode}")
    return _answer(program, address, done.stdout)


def _answer(program: str, address: str, answer: bytes) -> Credentials | None:
    try:
        document = as_dict(json.loads(answer))
    except ValueError:
        raise CredentialsError(address, f"{program} did not answer in JSON") from None
    username, secret = as_text(document.get("Username")), as_text(document.get("Secret"))
    if not secret:
        return None
    if username == _IDENTITY:
        return Credentials(identity_token=secret)
    return Credentials(username, secret)
