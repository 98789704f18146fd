"""Edits of a Dockerfile by whole lines, and their unified diff."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import unified_diff

from buildkit.dockerfile import Dockerfile, Instruction, split_lines

_NO_END = "\\ No newline at end of file\n"


def with_comments(dockerfile: Dockerfile, instruction: Instruction) -> tuple[int, int]:
    """Return first and last line of an instruction with the comments right above it."""
    first = instruction.start_line
    while first > 1 and dockerfile.lines[first - 2].lstrip().startswith("#"):
        if any(item.end_line == first - 1 for item in dockerfile.instructions):
            break  # the end of a document, which only looks like a comment
        first -= 1
    return first, instruction.end_line


def edited(
    dockerfile: Dockerfile,
    moves: Sequence[tuple[tuple[int, int], int]] = (),
    replaced: Mapping[int, str] | None = None,
) -> str:
    """Return the text with ranges of lines moved to before a line, 1-based, and lines replaced.

    What is moved to the same line keeps its order; the line after the last one is the end.
    """
    changed = replaced or {}
    lines = [changed.get(at, line) for at, line in enumerate(dockerfile.lines, 1)]
    moved: dict[int, list[str]] = {}
    gone: set[int] = set()
    for (first, last), target in moves:
        moved.setdefault(target, []).extend(lines[first - 1 : last])
        gone.update(range(first, last + 1))
    ordered = list(_ordered(lines, moved, gone))
    return _joined(ordered, is_ended=dockerfile.text.endswith("\n"))


def _ordered(lines: list[str], moved: dict[int, list[str]], gone: set[int]) -> Iterator[str]:
    for at, line in enumerate([*lines, ""], 1):
        yield from moved.get(at, ())
        if at not in gone:
            yield line


def _joined(lines: list[str], *, is_ended: bool) -> str:
    text = "".join(line if line.endswith("\n") or not line else line + "\n" for line in lines)
    return text if is_ended else text.removesuffix("\n")


def diff(path: str, old: str | None, new: str) -> str:
    """Return a unified diff as Git and ``patch -p1`` take it; without ``old`` of a new file."""
    before = "/dev/null" if old is None else f"a/{path}"
    lines = unified_diff(split_lines(old or ""), split_lines(new), before, f"b/{path}")
    return "".join(line if line.endswith("\n") else f"{line}\n{_NO_END}" for line in lines)


def span(old: str, new: str) -> tuple[int, int]:
    """Return first and last line of ``old``, 1-based, between which the two differ."""
    before, after = split_lines(old), split_lines(new)
    first = _alike(before, after)
    most = min(len(before), len(after)) - first
    last = len(before) - min(most, _alike(before[::-1], after[::-1]))
    return first + 1, max(last, first + 1)


def _alike(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many lines at the beginning are the same."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))
