"""Calls of Docker and of buildx; never through a shell."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from cli.errors import EngineMissingError, UsageError

_NO_ENGINE = re.compile(
    r"cannot connect to the docker daemon|is the docker daemon running|error during connect"
    r"|no builder \"|unknown command: docker buildx|'buildx' is not a docker command"
    r"|unknown shorthand flag: 'f' in -f|failed to find driver",
    re.IGNORECASE,
)
_PLUGINS = (
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
)
_ERROR = re.compile(r"^(?:ERROR|error|docker): *(.*)", re.MULTILINE)
_CRASH = re.compile(r"^((?:fatal error|runtime): .*)", re.MULTILINE)


def docker() -> str:
    """Return the path of the Docker client.

    Raises:
        EngineMissingError: there is none.
    """
    found = shutil.which("docker")
    if found is None:
        raise EngineMissingError(
            "docker is not on PATH. `buildinsights doctor` tells how to get it."
        )
    return found


def buildx_command() -> list[str]:
    """Return the words that call buildx: its own program where Docker keeps its plugins.

    Docker's client would start that program twice, the first time to ask what it is; a tenth of a
    second that a cached build does not have.

    Raises:
        EngineMissingError: there is no Docker client.
    """
    client = docker()
    for directory in (*_users_plugins(), *map(Path, _PLUGINS)):
        if os.access(program := directory / "docker-buildx", os.X_OK):
            return [str(program)]
    return [client, "buildx"]


def _users_plugins() -> list[Path]:
    """The directories of the Docker configuration, which come first."""
    home = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    try:
        configuration = json.loads((home / "config.json").read_bytes())
        named = [Path(name) for name in configuration.get("cliPluginsExtraDirs", ())]
    except (OSError, ValueError, AttributeError, TypeError):
        named = []  # a configuration that Docker does not understand either
    return [*named, home / "cli-plugins"]


def buildx(*arguments: str, timeout: float = 120, variant: str | None = None) -> str:
    """Run ``docker buildx`` and return its output; ``variant`` becomes Bake's variable VARIANT.

    Raises:
        EngineMissingError: nothing answers.
        UsageError: anything else went wrong; the message is buildx's own.
    """
    command = [*buildx_command(), *arguments]
    try:
        done = subprocess.run(
            command,
            env=os.environ | ({"VARIANT": variant} if variant else {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise EngineMissingError(
            f"docker buildx {arguments[0]} did not answer in {timeout:.0f} s."
        ) from error
    if done.returncode:
        raise error_of(done.stderr)
    return done.stdout


_WRONG_USAGE = re.compile(
    r"failed to find target|infinite loop|couldn't find a bake definition|failed to parse"
    r"|\.(?:hcl|json|ya?ml):\d+|invalid (?:value|override|argument)|no such file or directory$",
    re.MULTILINE,
)


def is_wrong_usage(text: str) -> bool:
    """Tell whether Bake refused before anything was built."""
    return _WRONG_USAGE.search(text) is not None


def error_of(text: str) -> UsageError | EngineMissingError:
    """Return buildx's own words as the error that they are."""
    message = _CRASH.search(text) or _ERROR.search(text)
    words = message[1] if message else text.strip()[-500:] or "docker buildx failed"
    if _NO_ENGINE.search(text):
        return EngineMissingError(f"{words} `buildinsights doctor` tells what is missing.")
    return UsageError(words)


def builder_is_here() -> bool:
    """Tell whether the current builder runs on this machine, as far as its endpoint says."""
    text = buildx("inspect")
    endpoint = re.search(r"^Endpoint:\s*(\S+)", text, re.MULTILINE)
    if _driver_in(text) not in {"docker", "docker-container"} or endpoint is None:
        return False
    if "://" in endpoint[1]:
        return endpoint[1].startswith(("unix://", "npipe://"))
    command = [docker(), "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]
    done = subprocess.run([*command, endpoint[1]], capture_output=True, text=True, check=False)
    return done.stdout.startswith(("unix://", "npipe://"))


def driver() -> str:
    """Return the driver of the current builder; empty if it has none that is known."""
    return _driver_in(buildx("inspect"))


def _driver_in(text: str) -> str:
    found = re.search(r"^Driver:\s*(\S+)", text, re.MULTILINE)
    return found[1] if found else ""


def history() -> list[dict[str, Any]]:
    """Return the builds that the builder remembers, newest first."""
    lines = buildx("history", "ls", "--no-trunc", "--format", "json").splitlines()
    return [json.loads(line) for line in lines]


def export_record(ref: str, output: Path) -> None:
    """Write the builder's record of one build."""
    buildx("history", "export", "--finalize", f"--output={output}", ref.rsplit("/", 1)[-1])
