"""Variables in names of base images, expanded as BuildKit does it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from buildkit.dockerfile import Dockerfile, Instruction

_USE = re.compile(
    r"\$(?:(?P<bare>[A-Za-z_]\w*)|\{(?P<name>[A-Za-z_]\w*)(?::(?P<sign>[-+])(?P<word>[^{}$]*))?\})"
)
_WHOLE = re.compile(r"""["']?\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})["']?""")
_ITEM = re.compile(r"""([A-Za-z_]\w*)(?:(=)("[^"]*"|'[^']*'|\S*))?""")

MOST_CHARACTERS = 4_096
"""Of a value: arguments that name each other twice would double it with each line."""


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument before the first stage, with its default as it is written, and where."""

    name: str
    default: str | None
    instruction: Instruction


def platform_arguments(platform: str, builder: str) -> dict[str, str]:
    """Return the arguments that BuildKit sets by itself, as far as platforms are known."""
    found: dict[str, str] = {}
    for prefix, name in (("TARGET", platform), ("BUILD", builder)):
        if name:
            parts = [*name.split("/"), "", ""]
            found |= {
                f"{prefix}PLATFORM": name,
                f"{prefix}OS": parts[0],
                f"{prefix}ARCH": parts[1],
                f"{prefix}VARIANT": parts[2],
            }
    return found


def arguments_of(dockerfile: Dockerfile) -> list[Argument]:
    """Return the arguments before the first stage in order."""
    return [argument for item in dockerfile.before for argument in _declared(item)]


def by_name(dockerfile: Dockerfile) -> dict[str, Argument]:
    """Return the arguments before the first stage by their name; of several the last one."""
    return {argument.name: argument for argument in arguments_of(dockerfile)}


def _declared(item: Instruction) -> Iterator[Argument]:
    for name, has_default, default in _ITEM.findall(item.value):
        yield Argument(name, _unquoted(default) if has_default else None, item)


def values_of(
    dockerfile: Dockerfile, given: Mapping[str, str], known: Mapping[str, str]
) -> dict[str, str]:
    """Return the values of arguments that names of bases may use.

    ``given`` are the build's own arguments, which win over defaults; ``known`` those that BuildKit
    sets. One whose default cannot be expanded, or is far too long then, has no value.
    """
    values = dict(known)
    for argument in arguments_of(dockerfile):
        default = None if argument.default is None else expanded(argument.default, values)
        value = given.get(argument.name, default)
        if value is not None:
            values[argument.name] = value
    return values


def expanded(text: str, values: Mapping[str, str]) -> str | None:
    """Return a text without variables; ``None`` if one has no value or a form not known here.

    So it is if more than ``MOST_CHARACTERS`` take their place.
    """
    missing = False
    characters = 0

    def value(match: re.Match[str]) -> str:
        nonlocal missing, characters
        name = match["bare"] or match["name"]
        found = values.get(name, "")
        characters += len(found)
        if characters > MOST_CHARACTERS:
            missing = True
            return ""
        if match["sign"] == "-":
            return found or match["word"]
        if match["sign"] == "+":
            return match["word"] if found else ""
        missing = missing or name not in values
        return found

    result = _USE.sub(value, text)
    return None if missing or "$" in result else _unquoted(result)


def followed(text: str, known: Mapping[str, Argument]) -> list[str]:
    """Return the names of the arguments between a base's name and what it is, the nearest first."""
    names: dict[str, None] = {}
    while match := _WHOLE.fullmatch(text):
        name = match[1] or match[2]
        if name not in known or name in names:
            break
        names[name] = None
        text = known[name].default or ""
    return list(names)


def driven_by(name: str, dockerfile: Dockerfile) -> list[str]:
    """Return the stages whose base is what an argument is, maybe through others that follow it."""
    known = by_name(dockerfile)
    return [stage.name for stage in dockerfile.stages if name in followed(stage.base, known)]


def _unquoted(text: str) -> str:
    is_quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    return text[1:-1] if is_quoted else text
