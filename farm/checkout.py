"""A revision of a repository in a folder, by Git, from a bare mirror that stays on the worker."""

import base64
import fcntl
import hashlib
import os
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from builds.masking import mask_secrets
from farm.addresses import is_allowed_path

FETCH_SECONDS = 600
SAID_LENGTH = 1000


class CheckoutError(Exception):
    """The revision could not be had; the message is Git's, without credentials."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to check out: a branch or tag, and the commit if it is known."""

    address: str
    ref_name: str
    revision: str = ""
    deploy_key: str = ""


@dataclass(frozen=True, slots=True)
class Places:
    """Where a worker keeps mirrors and keys, and which local repositories it may read."""

    mirrors: Path
    keys: Path
    roots: list[Path]


@contextmanager
def checked_out(wanted: Wanted, into: Path, places: Places) -> Iterator[str]:
    """Have the revision in ``into`` while the block runs; yields the commit id.

    Raises:
        CheckoutError: it cannot be had, or is not the one that was asked for.
    """
    if wanted.address.startswith("/") and not is_allowed_path(wanted.address, places.roots):
        raise CheckoutError(f"{wanted.address} is not below BUILD_SOURCE_ROOTS of this worker.")
    mirror = places.mirrors / f"{hashlib.sha256(wanted.address.encode()).hexdigest()[:32]}.git"
    environment = _environment(wanted, places)
    with _alone(mirror):
        if not mirror.exists():
            mirror.parent.mkdir(parents=True, exist_ok=True)
            _git(["init", "--quiet", "--bare", str(mirror)], environment)
        revision = _fetch(wanted, mirror, environment)
        add = ["worktree", "add", "--quiet", "--force", "--detach", str(into), revision]
        _git(["-C", str(mirror), *add], environment)
    try:
        yield revision
    finally:
        with _alone(mirror):
            remove = ["worktree", "remove", "--force", "--force", str(into)]
            _git(["-C", str(mirror), *remove], environment)


def _fetch(wanted: Wanted, mirror: Path, environment: dict[str, str]) -> str:
    """Fetch as little as the server allows; return the commit."""
    git = ["-C", str(mirror)]
    fetch = [*git, "fetch", "--quiet", "--force", "--no-tags", "--depth=1", "--", wanted.address]
    if wanted.revision:
        return _fetch_revision(wanted, git, fetch, environment)
    errors = []
    for kind in ("heads", "tags"):
        try:
            _git([*fetch, f"refs/{kind}/{wanted.ref_name}"], environment)
        except CheckoutError as error:
            errors.append(error)
            continue
        return _git([*git, "rev-parse", "FETCH_HEAD^{commit}"], environment).strip()
    raise errors[0]


def _fetch_revision(
    wanted: Wanted, git: list[str], fetch: list[str], environment: dict[str, str]
) -> str:
    """Fetch one commit; a server that does not hand out commits gives the branch's history."""
    try:
        _git([*fetch, wanted.revision], environment)
    except CheckoutError:
        whole = [word for word in fetch if word != "--depth=1"]
        if Path(git[1], "shallow").exists():
            whole.insert(whole.index("--"), "--unshallow")
        _git([*whole, f"refs/heads/{wanted.ref_name}"], environment)
    found = _git([*git, "rev-parse", f"{wanted.revision}^{{commit}}"], environment).strip()
    if found != wanted.revision:
        raise CheckoutError(f"asked for {wanted.revision}, got {found}")
    return found


def _git(arguments: list[str], environment: dict[str, str]) -> str:
    """Run Git; nothing of the repository's own is executed by it."""
    command = ["git", "-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", *arguments]
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=FETCH_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CheckoutError(f"git {arguments[0]}: {type(error).__name__}") from error
    if done.returncode:
        raise CheckoutError(mask_secrets(done.stderr.strip()[-SAID_LENGTH:]) or "git failed")
    return done.stdout


def _environment(wanted: Wanted, places: Places) -> dict[str, str]:
    """Git's surroundings: no configuration of anybody's, no prompts, no other transports."""
    is_local = wanted.address.startswith("/")
    known = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return known | {
        "HOME": str(places.mirrors),
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": "file" if is_local else "https:ssh",
        "GIT_SSH_COMMAND": shlex.join(_ssh(wanted, places)),
        "GIT_LFS_SKIP_SMUDGE": "1",
        **_settings(wanted, places),
    }


_KEPT = ("PATH", "GIT_SSL_CAINFO", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy")


def _ssh(wanted: Wanted, places: Places) -> list[str]:
    ssh = ["ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=accept-new"]
    ssh += ["-o", f"UserKnownHostsFile={places.keys / 'known_hosts'}", "-o", "IdentitiesOnly=yes"]
    return ssh + (["-i", str(places.keys / wanted.deploy_key)] if wanted.deploy_key else [])


def _settings(wanted: Wanted, places: Places) -> dict[str, str]:
    """Return Git settings as variables, which other people of the machine cannot see.

    The header goes to this one repository, and nowhere that its server may redirect to.
    """
    if not (wanted.deploy_key and wanted.address.startswith("https:")):
        return {}
    try:
        credentials = (places.keys / wanted.deploy_key).read_text().strip()
    except OSError as error:
        raise CheckoutError(f"{wanted.deploy_key} cannot be read on this worker.") from error
    basic = base64.b64encode(credentials.encode()).decode()
    settings = {
        f"http.{wanted.address}.extraHeader": f"Authorization: Basic {basic}",
        "http.followRedirects": "false",
    }
    variables = {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (key, value) in enumerate(settings.items()):
        variables |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return variables


@contextmanager
def _alone(mirror: Path) -> Iterator[None]:
    """One process at a time fetches into a mirror."""
    mirror.parent.mkdir(parents=True, exist_ok=True)
    with mirror.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
