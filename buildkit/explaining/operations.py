"""What differs between two operations of one step, as provenance has them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from buildkit.explaining.wording import was_and_is
from buildkit.values import as_dict, as_dicts, as_list, as_text

type Op = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference in words; ``variable`` is the environment variable that it is about."""

    text: str
    variable: str = ""


def differences(before: Op, after: Op) -> list[Difference]:
    """Return what an operation does otherwise; inputs are not part of it, and not compared."""
    if "exec" in before and "exec" in after:
        return list(_of_exec(as_dict(before["exec"]), as_dict(after["exec"])))
    if "file" in before and "file" in after:
        return list(_of_file(as_dict(before["file"]), as_dict(after["file"])))
    return [] if before == after else [Difference("The operation is another one.")]


def _of_exec(before: Op, after: Op) -> Iterator[Difference]:
    old, new = as_dict(before.get("meta")), as_dict(after.get("meta"))
    yield from _of_environment(old, new)
    for key, name in (("args", "command"), ("cwd", "directory"), ("user", "user")):
        if old.get(key) != new.get(key):
            yield _changed(name, _shown(old.get(key)), _shown(new.get(key)))
    if before.get("mounts") != after.get("mounts"):
        yield Difference("Its mounts are others.")
    for key in ("network", "security", "secretenv"):
        if before.get(key) != after.get(key):
            yield _changed(key, _shown(before.get(key)), _shown(after.get(key)))


def _of_environment(before: Op, after: Op) -> Iterator[Difference]:
    old, new = _variables(before), _variables(after)
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            yield Difference(was_and_is(name, old.get(name), new.get(name)), name)


def _variables(meta: Op) -> dict[str, str]:
    pairs = (as_text(item).partition("=") for item in as_list(meta.get("env")))
    return {name: value for name, _, value in pairs}


def _of_file(before: Op, after: Op) -> Iterator[Difference]:
    old, new = as_dicts(before.get("actions")), as_dicts(after.get("actions"))
    if len(old) != len(new):
        yield Difference("It copies or makes other files.")
        return
    for was, now in zip(old, new, strict=True):
        one, other = as_dict(was.get("Action")), as_dict(now.get("Action"))
        for kind in sorted(one.keys() | other.keys()):
            yield from _of_action(kind, as_dict(one.get(kind)), as_dict(other.get(kind)))


def _of_action(kind: str, before: Op, after: Op) -> Iterator[Difference]:
    for key in sorted(before.keys() | after.keys()):
        if before.get(key) != after.get(key):
            yield _changed(f"{kind} {key}", _shown(before.get(key)), _shown(after.get(key)))


def command_of(op: Op | None) -> list[object]:
    """Return the command of an ``exec`` as it is written, before the shell puts values into it."""
    return as_list(as_dict(as_dict((op or {}).get("exec")).get("meta")).get("args"))


def copied(op: Op) -> list[str]:
    """Return the paths, maybe with wildcards, that an operation takes from its second input on."""
    if "file" in op:
        actions = (
            as_dict(item.get("Action")) for item in as_dicts(as_dict(op["file"]).get("actions"))
        )
        return [
            as_text(as_dict(action.get("copy")).get("src"))
            for action in actions
            if "copy" in action
        ]
    mounts = as_dicts(as_dict(op.get("exec")).get("mounts"))
    return [as_text(item.get("selector")) or "/" for item in mounts if item.get("input")]


def _changed(name: str, before: str | None, after: str | None) -> Difference:
    return Difference(was_and_is(name, before, after))


def _shown(value: object) -> str | None:
    if value is None:
        return None
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
