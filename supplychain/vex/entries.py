"""Entries of a document, one by one: a misshapen one does not spoil the others."""

from collections.abc import Callable, Sequence

from buildkit.status import Problems
from buildkit.values import Json
from supplychain.reports.values import WrongShapeError, kind_of


def each[T](
    entries: Sequence[object], name: str, problems: Problems, read: Callable[[Json], T]
) -> list[T]:
    """Return what ``read`` makes of entries; one that it refuses is a problem, with its place."""
    found = []
    for index, entry in enumerate(entries):
        try:
            if type(entry) is not dict:
                raise WrongShapeError(f"{kind_of(entry)}, expected an object")
            found.append(read(entry))
        except WrongShapeError as error:
            problems.add(f"document/{name}[{index}]", str(error))
    return found


def sentences(problems: Problems) -> tuple[str, ...]:
    """Return problems as they are kept: the place, then what is wrong there."""
    return tuple(
        f"{problem.path}: {problem.message}".removeprefix(": ") for problem in problems.all()
    )
