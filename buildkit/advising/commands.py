"""Shell commands of a ``RUN``: only lists of simple ones are understood, and only known ones."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from buildkit.dockerfile import Instruction

type Words = tuple[str, ...]

_STRANGE = re.compile(r"[|&<>`(){}#!\\]|\$\(|^\s*$")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")

SYSTEM = "system"
"""Manager of Debian's and Alpine's packages; the others are called as their command."""

_VERBS: dict[str, tuple[tuple[str, ...], ...]] = {
    "npm": (("ci",), ("install",), ("i",)),
    "yarn": (("install",), ()),
    "pnpm": (("install",), ("i",)),
    "pip": (("install",),),
    "go": (("mod", "download"),),
    "bundle": (("install",),),
    SYSTEM: (("install",), ("add",)),
}
_CLEANING = re.compile(
    r"npm cache clean( --force)?|yarn cache clean|pip3? cache purge|apt-get (auto)?clean"
    r"|apt-get (-\S+ )*(update|upgrade|dist-upgrade|autoremove)( -\S+)*|apk update"
    r"|rm -r?fr? (/var/lib/apt/lists/\*|/var/cache/apk/\*|/root/\.npm|/root/\.cache)( /tmp/\*)?"
    r"|set -[euxo]+"
)
_PYTHON_PIP = re.compile(r"python3?(\.\d+)?")


@dataclass(frozen=True, slots=True)
class Install:
    """A command that installs packages; ``words`` are those after the verb."""

    manager: str
    words: Words


def commands_of(run: Instruction) -> tuple[Words, ...] | None:
    """Return the simple commands of a ``RUN`` in shell form, each as words; ``None`` for others.

    Pipes, redirections, substitutions, groups, documents and lists by ``||`` or ``&`` are others.
    """
    if run.keyword != "RUN" or run.is_exec or run.heredocs:
        return None
    parts = re.split(r"&&|;", run.value)
    if any(_STRANGE.search(part) for part in parts):
        return None
    try:
        found = [_without_assignments(shlex.split(part)) for part in parts]
    except ValueError:
        return None
    return tuple(found) if all(found) else None


def install_of(words: Words) -> Install | None:
    """Return what a command installs, and by which manager."""
    name, rest = words[0], words[1:]
    if _PYTHON_PIP.fullmatch(name) and rest[:2] == ("-m", "pip"):
        name, rest = "pip", rest[2:]
    name = {"pip3": "pip", "apt-get": SYSTEM, "apt": SYSTEM, "apk": SYSTEM}.get(name, name)
    while name == SYSTEM and rest[:1] and rest[0].startswith("-"):
        rest = rest[1:]
    for verb in _VERBS.get(name, ()):
        if rest[: len(verb)] == verb and (verb or all(word.startswith("-") for word in rest)):
            return Install(name, rest[len(verb) :])
    return None


def installs_of(run: Instruction) -> tuple[Install, ...]:
    """Return the installs of a ``RUN`` that does nothing else; nothing of any other."""
    commands = commands_of(run) or ()
    found = [(words, install_of(words)) for words in commands]
    if all(install or _CLEANING.fullmatch(" ".join(words)) for words, install in found):
        return tuple(install for _, install in found if install)
    return ()


def managers_of(run: Instruction) -> frozenset[str]:
    """Return the managers whose commands are among those of a ``RUN``."""
    installs = (install_of(words) for words in commands_of(run) or ())
    return frozenset(install.manager for install in installs if install)


def is_of_system(run: Instruction) -> bool:
    """Tell whether a ``RUN`` installs packages of the system by name, and nothing else."""
    installs = installs_of(run)
    return bool(installs) and all(
        install.manager == SYSTEM and _are_names(install.words) for install in installs
    )


def _are_names(words: Sequence[str]) -> bool:
    """Neither paths nor options that name files or repositories."""
    harmless = ("-y", "-q", "-qq", "-qqy", "-yq", "-yqq", "-qy", "--yes", "--quiet")
    others = ("--no-install-recommends", "--no-install-suggests", "--no-cache", "--update")
    return all(
        word in (*harmless, *others) if word.startswith("-") else "/" not in word for word in words
    )


def _without_assignments(words: list[str]) -> Words:
    """Leave out ``NAME=value`` before a command, which is for that alone."""
    first = next((at for at, word in enumerate(words) if not _ASSIGNMENT.match(word)), len(words))
    return tuple(words[first:])
