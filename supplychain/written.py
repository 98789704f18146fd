"""Policies as people write them: JSON or YAML, read without trust, held against a JSON Schema."""

import json
from collections.abc import Iterable
from typing import Any

import yaml

from buildkit.values import is_storable

WHOLE = "policy"
"""The place of what is wrong with all of it."""

MOST_DEPTH = 20


class WrittenError(ValueError):
    """A text is no policy; ``place`` is a line and column, or all of it."""

    def __init__(self, place: str, message: str) -> None:
        self.place, self.message = place, message
        super().__init__(f"{place}: {message}")


def read_mapping(text: str, most_characters: int) -> dict[str, Any]:
    """Return the mapping of plain values that JSON or YAML is; moments and days are text.

    Raises:
        WrittenError: it is neither, too long, or no mapping.
    """
    if len(text) > most_characters:
        raise WrittenError(WHOLE, f"has more than {most_characters} characters")
    try:
        value = _value(text)
        json.dumps(value, allow_nan=False)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else WHOLE
        raise WrittenError(place, str(error.problem)) from error
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise WrittenError(WHOLE, "is neither JSON nor YAML of plain values") from error
    if not isinstance(value, dict):
        raise WrittenError(WHOLE, "must be a mapping")
    if _is_deep(value):
        raise WrittenError(WHOLE, f"is nested more than {MOST_DEPTH} deep")
    if not is_storable(value):
        raise WrittenError(WHOLE, "has characters that cannot be kept")
    return value


def _value(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_distinct)
    except (ValueError, RecursionError):
        return yaml.load(text, Loader=_Loader)  # noqa: S506  # a SafeLoader


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Leave an object that gives a name twice to the reader of YAML, which tells the place."""
    if len(found := dict(pairs)) < len(pairs):
        raise ValueError
    return found


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MOST_DEPTH):
        level = [inner for item in level for inner in _within(item)]
    return any(isinstance(item, dict | list) for item in level)


def _within(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


class _Loader(yaml.SafeLoader):
    """YAML without aliases, which let a short text be a long one, and without doubled names.

    Its depth is bounded, as the parser needs minutes for tens of thousands of open brackets.
    """

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise self._wrong("aliases are not allowed")
        self.depth += 1
        if self.depth > MOST_DEPTH + 1:  # with what lies in the deepest
            raise self._wrong(f"is nested more than {MOST_DEPTH} deep")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def _wrong(self, problem: str) -> yaml.composer.ComposerError:
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
        return yaml.composer.ComposerError(None, None, problem, mark)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen: set[str] = set()
        for key, _ in node.value:
            problem = ""
            if key.tag != "tag:yaml.org,2002:str":
                problem = "names must be text"
            elif key.value in seen:
                problem = f"{key.value!r} is given twice"
            if problem:
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _as_text(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> str:
    return str(loader.construct_scalar(node))


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _as_text)


def schema_errors(schema: dict[str, Any], document: Any) -> list[tuple[str, Any]]:
    """Return what a document breaks of a JSON Schema, each with its place: ``keys[0].id``."""
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

    found = Draft202012Validator(schema).iter_errors(document)
    pairs = [(_place(error.absolute_path), error) for error in found]
    return sorted(pairs, key=lambda pair: [str(part) for part in pair[1].absolute_path])


def _place(parts: Iterable[str | int]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return text.removeprefix(".") or WHOLE
