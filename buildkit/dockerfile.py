"""Dockerfiles as instructions with the lines that they stand on, as BuildKit's parser reads them.

Only what is sure is read: a form that could mean something else to BuildKit is an error.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import groupby

from buildkit.errors import ParseError

KEYWORDS = frozenset(
    {
        *("ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK"),
        *("LABEL", "MAINTAINER", "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME"),
        "WORKDIR",
    }
)
MOST_CHARACTERS = 1024**2
"""Of a Dockerfile; those that people write have a few thousand."""

WITH_HEREDOCS = frozenset({"ADD", "COPY", "RUN"})

_DIRECTIVE = re.compile(r"#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(.*)")
_COMMENT = re.compile(r"\s*#")
_WORD = re.compile(r"""(?:[^\s"'\\]|\\.|"(?:\\.|[^"\\])*"|'[^']*')+""", re.DOTALL)
_HEREDOC = re.compile(r"""\d*<<(?P<chomp>-?)(?P<quote>["']?)(?P<name>[A-Za-z_]\w*)(?P=quote)""")
_LIKE_HEREDOC = re.compile(r"\d*<<(?!<)")
_FROM = re.compile(r"(?P<base>\S+)(?:\s+AS\s+(?P<name>[a-z][a-z0-9_.-]*))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Heredoc:
    """A document within an instruction; ``is_quoted`` ones are taken without expansion."""

    name: str
    is_quoted: bool
    body: str


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction on the lines ``start_line`` to ``end_line``, 1-based and inclusive.

    ``value`` is what follows keyword and flags, with continuation lines joined, and without
    comments and heredocs. ``stage`` is the number of its stage, -1 before the first ``FROM``.
    """

    keyword: str
    flags: tuple[str, ...]
    value: str
    start_line: int
    end_line: int
    stage: int
    heredocs: tuple[Heredoc, ...] = ()

    @property
    def is_exec(self) -> bool:
        """Whether its value is a JSON list of strings, which no shell sees."""
        try:
            found = json.loads(self.value) if self.value.startswith("[") else None
        except (ValueError, RecursionError):
            return False
        return isinstance(found, list) and all(isinstance(item, str) for item in found)

    @property
    def words(self) -> list[str]:
        """The words of its value, or the items of its list, as they are written."""
        return json.loads(self.value) if self.is_exec else self.value.split()

    @property
    def normalised(self) -> str:
        """Keyword and value on one line, without flags; heredocs as they are."""
        bodies = "".join(f"\n{item.body}" for item in self.heredocs)
        return " ".join(f"{self.keyword} {self.value}".split()) + bodies

    @property
    def text(self) -> str:
        """All that is read of it, in which a variable may be used."""
        return "\n".join((*self.flags, self.normalised))

    def flag(self, name: str) -> str | None:
        """Return the value of a flag such as ``from``, ``None`` without it."""
        prefix = f"--{name}="
        return next((item[len(prefix) :] for item in self.flags if item.startswith(prefix)), None)


@dataclass(frozen=True, slots=True)
class Stage:
    """What follows one ``FROM``; an unnamed one is called as BuildKit does: ``stage-0``."""

    number: int
    name: str
    base: str
    instructions: tuple[Instruction, ...]


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """A Dockerfile; ``lines`` keep their ends, and are its text when joined.

    ``before`` are the arguments before the first ``FROM``.
    """

    lines: tuple[str, ...]
    instructions: tuple[Instruction, ...]
    stages: tuple[Stage, ...]
    escape: str = "\\"
    directives: dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(self.lines)

    @property
    def before(self) -> tuple[Instruction, ...]:
        """The arguments before the first stage."""
        return tuple(item for item in self.instructions if item.stage < 0)

    def lines_of(self, instruction: Instruction) -> tuple[str, ...]:
        """Return the lines of an instruction as they are written."""
        return self.lines[instruction.start_line - 1 : instruction.end_line]


def split_lines(text: str) -> tuple[str, ...]:
    """Return the lines with their ends: only a line feed ends one, as BuildKit has it."""
    return tuple(re.findall(r"[^\n]*\n|[^\n]+", text))


@lru_cache(maxsize=64)
def read_dockerfile(text: str) -> Dockerfile:
    """Read a Dockerfile.

    Raises:
        ParseError: it is none, is too long, or has a form that is not surely understood.
    """
    if len(text) > MOST_CHARACTERS:
        raise ParseError("line 1", f"a Dockerfile of more than {MOST_CHARACTERS} characters")
    lines = split_lines(text)
    directives = dict(_directives(lines))
    escape = directives.get("escape", "\\")
    if escape not in ("\\", "`"):
        raise ParseError("line 1", f"the escape {escape!r} is neither \\ nor `")
    instructions = tuple(_numbered(_instructions(lines, escape)))
    return Dockerfile(lines, instructions, _stages(instructions), escape, directives)


def _directives(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        found = _DIRECTIVE.fullmatch(line.removeprefix("\ufeff").strip())
        if found is None:
            return
        yield found[1].lower(), found[2]


def _instructions(lines: Sequence[str], escape: str) -> Iterator[Instruction]:
    end = re.compile(rf"(?:^|(?<=[^{re.escape(escape)}])){re.escape(escape)}[ \t]*$")
    at = 0
    while at < len(lines):
        line = lines[at].removeprefix("\ufeff") if at == 0 else lines[at]
        if not line.strip() or _COMMENT.match(line):
            at += 1
            continue
        logical, after = _logical(lines, at, end)
        instruction, after = _instruction(lines, logical, at, after)
        yield instruction
        at = after


def _logical(lines: Sequence[str], at: int, end: re.Pattern[str]) -> tuple[str, int]:
    """Join a line with its continuations; returns the place after the last of them."""
    parts: list[str] = []
    last = at
    for place in range(at, len(lines)):
        line = lines[place].rstrip("\r\n")
        line = line.removeprefix("\ufeff") if place == 0 else line
        if parts and (not line.strip() or _COMMENT.match(line)):
            continue  # BuildKit leaves both out within an instruction
        last = place
        found = end.search(line)
        parts.append(line[: found.start()] if found else line)
        if not found:
            break
    return "".join(parts).strip(), last + 1


def _instruction(
    lines: Sequence[str], logical: str, at: int, after: int
) -> tuple[Instruction, int]:
    place = f"line {at + 1}"
    word, *rest = logical.split(maxsplit=1) or [""]
    keyword = word.upper()
    if keyword not in KEYWORDS:
        raise ParseError(place, f"{word[:40]!r} is no instruction")
    flags, value = _flags(rest[0] if rest else "")
    heredocs, after = _heredocs(keyword, value, lines, after, place)
    return Instruction(keyword, flags, value, at + 1, after, -1, heredocs), after


def _flags(rest: str) -> tuple[tuple[str, ...], str]:
    flags = []
    while rest.startswith("--"):
        word, *others = rest.split(maxsplit=1)
        rest = others[0] if others else ""
        if word == "--":
            break
        flags.append(word)
    return tuple(flags), rest


def _heredocs(
    keyword: str, value: str, lines: Sequence[str], after: int, place: str
) -> tuple[tuple[Heredoc, ...], int]:
    if "<<" not in value:
        return (), after
    if keyword == "ONBUILD":
        raise ParseError(place, "a document within ONBUILD is not read")
    if keyword not in WITH_HEREDOCS or value.startswith("["):
        return (), after
    found = []
    for name, is_quoted, chomp in _heredoc_names(value, place):
        body, after = _body(lines, after, name, chomp=chomp, place=place)
        found.append(Heredoc(name, is_quoted, body))
    return tuple(found), after


def _heredoc_names(value: str, place: str) -> Iterator[tuple[str, bool, bool]]:
    if _WORD.sub("", value).strip():
        raise ParseError(place, "quotes that do not end, beside <<")
    for word in _WORD.findall(value):
        match = _HEREDOC.fullmatch(word)
        if match:
            yield match["name"], bool(match["quote"]), bool(match["chomp"])
        elif _LIKE_HEREDOC.match(word):
            raise ParseError(place, f"{word[:40]!r} may begin a document or not")


def _body(lines: Sequence[str], at: int, name: str, *, chomp: bool, place: str) -> tuple[str, int]:
    for end in range(at, len(lines)):
        line = lines[end].rstrip("\r\n")
        if (line.lstrip("\t") if chomp else line) == name:
            return "".join(lines[at:end]), end + 1
    raise ParseError(place, f"the document {name} does not end")


def _numbered(instructions: Iterator[Instruction]) -> Iterator[Instruction]:
    stage = -1
    for item in instructions:
        stage += item.keyword == "FROM"
        if stage < 0 and item.keyword != "ARG":
            raise ParseError(f"line {item.start_line}", f"{item.keyword} before the first FROM")
        yield replace(item, stage=stage)


def _stages(instructions: Sequence[Instruction]) -> tuple[Stage, ...]:
    found: list[Stage] = []
    for number, group in groupby(instructions, key=lambda item: item.stage):
        if number < 0:
            continue
        own = tuple(group)
        first = own[0]
        match = _FROM.fullmatch(first.value)
        if match is None:
            raise ParseError(f"line {first.start_line}", "FROM is followed by no image, or by more")
        found.append(
            Stage(number, (match["name"] or f"stage-{number}").lower(), match["base"], own)
        )
    if not found:
        raise ParseError("line 1", "there is no FROM")
    return tuple(found)
