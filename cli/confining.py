"""Whether a plan stays inside the current directory.

Bake asks before it reads or writes outside, but not with ``--progress=rawjson`` (buildx 0.29):
whoever runs definitions that others wrote has the plan checked here instead.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cli.engine import buildx
from cli.errors import UsageError
from cli.planning import bake_options

_ELSEWHERE = ("target:", "docker-image:", "oci-layout:", "http://", "https://", "git://")
_PATHS = ("src", "dest")


def check_confined(
    files: Sequence[str], targets: Sequence[str], overrides: Sequence[str], root: Path
) -> None:
    """Refuse a plan that reads or writes outside ``root``, forwards an agent or is privileged.

    Raises:
        UsageError: names the target and what it asks for.
    """
    printed = buildx("bake", *bake_options(files, overrides), "--print", *targets)
    for name, target in json.loads(printed)["target"].items():
        for field in ("entitlements", "ssh"):
            if target.get(field):
                raise UsageError(f"{name}: {field} is not allowed here: {target[field]}")
        for path in _paths(target):
            if not (root / path).resolve().is_relative_to(root.resolve()):
                raise UsageError(f"{name}: {path} is outside of the checkout.")


def _paths(target: Mapping[str, Any]) -> Iterator[str]:
    """Yield every local path that a target names."""
    context = str(target.get("context") or ".")
    contexts = [context, *map(str, (target.get("contexts") or {}).values())]
    yield from (path for path in contexts if not path.startswith(_ELSEWHERE))
    if not context.startswith(_ELSEWHERE) and not target.get("dockerfile-inline"):
        yield str(Path(context, str(target.get("dockerfile") or "Dockerfile")))
    for field in ("secret", "output", "cache-from", "cache-to", "attest"):
        for item in target.get(field) or ():
            values = item if isinstance(item, Mapping) else _from_csv(str(item))
            yield from (str(values[key]) for key in _PATHS if values.get(key))


def _from_csv(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(","))
    return {key.strip(): value for key, _, value in pairs}
