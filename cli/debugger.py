"""buildx's own debugger: a shell in what a failed step left behind, its own changes with it.

It debugs single builds and no Bake targets (buildx 0.29), so that a target is put into the words of
``buildx build`` first; for a target that does not fit there is no call.
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from cli.engine import buildx_command

_WITHOUT_EFFECT = frozenset(
    {"annotations", "attest", "cache-to", "description", "labels", "name", "output", "pull", "tags"}
)
"""Fields of a target that change nothing about the state in which a step fails."""

_FLAGS = {
    "args": "build-arg",
    "cache-from": "cache-from",
    "contexts": "build-context",
    "entitlements": "allow",
    "extra-hosts": "add-host",
    "network": "network",
    "platforms": "platform",
    "secret": "secret",
    "target": "target",
    "ulimits": "ulimit",
}


def is_there() -> bool:
    """Tell whether this buildx has the debugger; it is one of its experimental commands."""
    command = [*buildx_command(), "debug", "--help"]
    done = subprocess.run(command, env=_experimental(), capture_output=True, text=True, check=False)
    return done.returncode == 0 and "--invoke" in done.stdout


def debugger_call(target: Mapping[str, Any], folder: Path) -> list[str] | None:
    """Return the words after ``buildx`` that debug a target as ``bake --print`` shows it.

    ``folder`` takes a Dockerfile that is written in the Bake file. None for a target that
    ``buildx build`` cannot build: it stands on other targets, for several platforms or has a field
    that is not known here.
    """
    flags: list[str] = []
    for name, value in target.items():
        if name in _FLAGS:
            flags += [f"--{_FLAGS[name]}={item}" for item in _items(value)]
        elif name not in _WITHOUT_EFFECT | {"context", "dockerfile", "dockerfile-inline"}:
            return None
    contexts = target.get("contexts", {}).values()
    if len(target.get("platforms", ())) > 1 or any(c.startswith("target:") for c in contexts):
        return None
    context = target.get("context", ".")
    dockerfile = _dockerfile(target, context, folder)
    return ["debug", "--on=error", "--invoke=sh", "build", f"--file={dockerfile}", *flags, context]


def run(call: Sequence[str]) -> int:
    """Debug in this terminal; return the exit code."""
    click.echo(
        "A shell in what the failed step left; `exit` leaves it, and `(buildx)` after it.", err=True
    )
    return subprocess.run([*buildx_command(), *call], env=_experimental(), check=False).returncode


def _experimental() -> dict[str, str]:
    return os.environ | {"BUILDX_EXPERIMENTAL": "1"}


def _items(value: object) -> list[str]:
    """Return the values of a flag: of a text, of a list, of a mapping one for each pair."""
    if isinstance(value, Mapping):
        return [f"{key}={item}" for key, item in value.items() if item is not None]
    if isinstance(value, list):
        return [_csv(item) if isinstance(item, Mapping) else str(item) for item in value]
    return [str(value)]


def _csv(item: Mapping[str, Any]) -> str:
    return ",".join(f"{key}={value}" for key, value in item.items())


def _dockerfile(target: Mapping[str, Any], context: str, folder: Path) -> str:
    """Return its path from here: Bake's is relative to the context."""
    if inline := target.get("dockerfile-inline"):
        file = folder / "Dockerfile"
        file.write_text(inline)
        return str(file)
    name = target.get("dockerfile", "Dockerfile")
    return name if "://" in context else str(Path(context, name))
