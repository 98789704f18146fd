"""The table of acts in docs/audit.md names what the code records, and nothing else."""

import ast
import re
from collections.abc import Iterator
from fnmatch import fnmatch

import pytest
from django.contrib import admin

from tests.test_architecture import APPS, ROOT, sources

ACTION = re.compile(r"[a-z_]+\.[a-z_]+")
RECORDERS = {"record", "record_soon", "record_once_a_day", "act_of", "purge"}
WRAPPERS = {"_note", "_audit", "_record", "audit"}
"""Functions of modules that pass an action on, by its place and not by its name."""


def named_in(value: ast.AST) -> Iterator[str]:
    """Yield actions that an expression may be; what is only known at work is ``*``."""
    if isinstance(value, ast.Constant):
        if isinstance(value.value, str) and ACTION.fullmatch(value.value):
            yield value.value
    elif isinstance(value, ast.JoinedStr):
        parts = [str(p.value) if isinstance(p, ast.Constant) else "*" for p in value.values]
        yield "".join(parts)
    elif isinstance(value, ast.IfExp):
        yield from named_in(value.body)
        yield from named_in(value.orelse)


def values_in(node: ast.AST) -> list[ast.expr]:
    """Return the expressions in a statement or call that may be an action."""
    match node:
        case ast.Call(func=ast.Name(id=name), keywords=keywords) if name in RECORDERS:
            return [keyword.value for keyword in keywords if keyword.arg == "action"]
        case ast.Call(func=ast.Name(id=name), args=arguments) if name in WRAPPERS:
            return arguments
        case ast.Assign(targets=[ast.Name(id="action")], value=value):
            return [value]
    return []


def recorded_in(source: str) -> set[str]:
    """Return the actions that a module records."""
    values = [value for node in ast.walk(ast.parse(source)) for value in values_in(node)]
    return {action for value in values for action in named_in(value)}


def recorded() -> set[str]:
    """All actions; those of the administration site by the models that are changed there."""
    found = {
        action
        for app in APPS
        for path in sources(app)
        for action in recorded_in(path.read_text())
        if action != "*.*"
    }
    return found | {f"{model._meta.model_name}.*" for model in admin.site._registry}


def documented() -> set[str]:
    """Actions in the first column of the table; ``.used`` begins like the one before it."""
    text = (ROOT / "docs" / "audit.md").read_text()
    table = text.partition("| actions |")[2].partition("\n\n")[0]
    found: list[str] = []
    for row in table.splitlines()[2:]:
        for name in re.findall(r"`([^`]+)`", row.split("|")[1]):
            found.append(found[-1].partition(".")[0] + name if name[0] == "." else name)
    assert len(found) == len(set(found))
    return set(found)


def test_what_is_recorded_has_a_row():
    rows = documented()
    missing = [act for act in recorded() if not any(fnmatch(act, row) for row in rows)]
    assert sorted(missing) == []


def test_each_row_is_of_something_that_is_recorded():
    acts = recorded()
    stale = [row for row in documented() if not any(fnmatch(act, row) for act in acts)]
    assert sorted(stale) == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('record(actor=a, action="x.done")', {"x.done"}),
        ('record(action="x.added" if new else f"x.{word}")', {"x.added", "x.*"}),
        ('_note(row, "x.kept", {"y": 1}, "a sentence. and more")', {"x.kept"}),
        ('action = "x.on" if on else "x.off"\nrecord(action=action)', {"x.on", "x.off"}),
        ('parser.add_argument("x", action="store_true")', set()),
    ],
)
def test_how_actions_are_found(source: str, expected: set[str]):
    assert recorded_in(source) == expected
