"""``--confined``: a definition that others wrote reads and writes nothing outside one folder.

Bake itself asks before it does, but not with ``--progress=rawjson`` (buildx 0.29), and a definition
may say another thing each time that it is evaluated. So it is evaluated once; what comes out is
checked, and that and nothing else is built. Where results go is not the definition's to say: Bake
opens the files of an ``output`` even to print a plan.
"""

import csv
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from buildkit.bake import read_plan
from cli.composing import check_compose
from cli.definitions import keep_definition, read_by_bake
from cli.engine import buildx
from cli.environments import FOLDER
from cli.errors import UsageError
from cli.planning import bake_options, declared_values, explained

ROOT_VARIABLE = "BUILDINSIGHTS_CONFINED_TO"
"""The folder, if it is not the current one: a build may run in a directory of a checkout."""

_NAME = re.compile(r"[A-Za-z0-9_][\w.-]*")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(?=:)")
_SCHEMES = frozenset({"http", "https", "git", "ssh", "docker-image", "target", "cwd"})
"""Kinds of contexts that are none of this machine, and ``cwd``, which is."""

_HARMLESS = frozenset(
    {
        *("annotations", "args", "attest", "cache-from", "cache-to", "call", "context", "contexts"),
        *("description", "dockerfile", "dockerfile-inline", "extra-hosts", "labels", "no-cache"),
        *("no-cache-filter", "output", "platforms", "pull", "secret", "shm-size", "tags", "target"),
        "ulimits",
    }
)
"""Fields of a target that are let through, those with paths after a look at them."""

_OUTPUTS = {"--push": "type=image,push=true", "--load": "type=docker"}
_NO_CACHE = "--no-cache"
_PATHS = ("src", "source", "dest")


def check_sources(files: Sequence[str], targets: Sequence[str]) -> None:
    """Refuse definitions that lie elsewhere, or lead there, before anything reads them.

    Raises:
        UsageError: names the file.
    """
    for target in targets:
        if not _NAME.fullmatch(target):
            raise UsageError(f"{target} is no name of a target.")
    environments = [str(path) for path in Path(FOLDER).glob("*")]
    for file in (*files, *read_by_bake(()), ".env", FOLDER, *environments):
        if "://" in file or file == "-" or _is_outside(file, _root()):
            raise UsageError(f"{file} is outside of the checkout.")
    for file in read_by_bake(files):
        check_compose(Path(file))


def confined_definition(
    files: Sequence[str], targets: Sequence[str], overrides: Sequence[str], flags: Sequence[str]
) -> str:
    """Return the path of a definition that holds the checked plan of ``targets``.

    Results become images, pushed with the flag ``--push``, in the engine with ``--load``; what a
    target only builds on stays in the builder's cache. The only other flag is ``--no-cache``.

    Raises:
        UsageError: names the target and what it asks for.
    """
    options = bake_options(files, overrides)
    with ThreadPoolExecutor(1) as pool:
        declared = pool.submit(declared_values, ["bake", *options])
        printed = _printed(files, targets, options, flags)
    plan = json.loads(printed)
    asked = read_plan(printed).expand(targets or ["default"])
    for name, target in plan["target"].items():
        _check_target(name, target)
        if name not in asked:
            target["output"] = [{"type": "cacheonly"}]
    # The plan has no variables left: these tell the record what was built.
    plain = {name.upper(): value for name, value in declared.result().items() if _is_plain(value)}
    if plain:  # Bake reads an empty object as a variable without a name
        plan["variable"] = {name: {"default": value} for name, value in plain.items()}
    return keep_definition(json.dumps(plan))


def _printed(
    files: Sequence[str], targets: Sequence[str], options: Sequence[str], flags: Sequence[str]
) -> str:
    if unknown := set(flags) - {*_OUTPUTS, _NO_CACHE}:
        raise UsageError(f"--confined does not go with {' '.join(sorted(unknown))}.")
    outputs = [_OUTPUTS[flag] for flag in flags if flag in _OUTPUTS]
    if len(outputs) > 1:
        raise UsageError("--confined takes one of --push and --load.")
    output = outputs[0] if outputs else "type=image"
    others = [_NO_CACHE] if _NO_CACHE in flags else []
    try:
        return buildx("bake", *options, f"--set=*.output={output}", *others, "--print", *targets)
    except UsageError as error:
        raise explained(error, files) from error


def _is_plain(value: str) -> bool:
    """Tell whether Bake takes a value as it is, and does not evaluate it again."""
    return _NAME.fullmatch(value) is not None


def _check_target(name: str, target: Mapping[str, Any]) -> None:
    for field, value in target.items():
        if field not in _HARMLESS and value:
            raise UsageError(f"{name}: {field} is not allowed here: {value}")
    for path in _paths(target):
        scheme = _SCHEME.match(path)
        if scheme and scheme[0] not in _SCHEMES:
            raise UsageError(f"{name}: {path} is not allowed here.")
        # Whatever looks like an address may be the name of a symbolic link, which buildx prefers.
        if _is_outside(path, _root()):
            raise UsageError(f"{name}: {path} is outside of the checkout.")


def _is_outside(path: str, root: Path) -> bool:
    """Tell whether a path leads out of ``root``, after all symbolic links."""
    return not Path(path.removeprefix("cwd://")).resolve().is_relative_to(root)


def _root() -> Path:
    return Path(os.environ.get(ROOT_VARIABLE) or Path.cwd()).resolve()


def _paths(target: Mapping[str, Any]) -> Iterator[str]:
    """Yield every value that a target names and that may be a path of this machine."""
    context = str(target.get("context") or ".")
    dockerfile = str(target.get("dockerfile") or "Dockerfile")
    yield context
    is_absolute = dockerfile.startswith(("/", "cwd://"))
    yield dockerfile if is_absolute else str(Path(context.removeprefix("cwd://"), dockerfile))
    yield from map(str, (target.get("contexts") or {}).values())
    for secret in _items(target, "secret"):
        if not secret.get("env") and secret.get("type") != "env":
            # Without a path, buildx takes the id for one.
            yield str(secret.get("src") or secret.get("source") or secret.get("id") or "")
    for field in ("output", "cache-from", "cache-to", "attest"):
        for item in _items(target, field):
            yield from (str(item[key]) for key in _PATHS if item.get(key))


def _items(target: Mapping[str, Any], field: str) -> Iterator[Mapping[str, Any]]:
    """Yield the items of a list as objects; older versions of buildx print them as CSV."""
    for item in target.get(field) or ():
        if isinstance(item, Mapping):
            yield item
        else:
            [parts] = csv.reader([str(item)])
            pairs = (part.partition("=") for part in parts)
            yield {key.strip().lower(): value for key, _, value in pairs}
