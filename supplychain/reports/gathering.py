"""What a decoder has read of a report so far, and what it had to leave out."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from buildkit.status import Problems
from buildkit.values import Json
from supplychain.reports.model import (
    Artifact,
    License,
    Misconfiguration,
    Package,
    Report,
    Scanner,
    Secret,
    Suppressed,
    Target,
    Vulnerability,
)
from supplychain.reports.values import NAME_LIMIT, WrongShapeError, bounded, kind_of


@dataclass(slots=True)
class Attempts:
    """Parts of a document, read one by one: what is misshapen is noted and left out."""

    problems: Problems
    has_left_out: bool = field(default=False, init=False)
    """Whether an entry was, and not only what the document says of itself."""

    def each(
        self, entries: object, place: str, read: Callable[[Json, str], object], start: int = 0
    ) -> None:
        """Read every entry of a list, which is at ``place``; one that is misshapen is a problem.

        ``read`` takes an entry and its own place, and raises ``WrongShapeError``.
        """
        if entries is None:
            return
        if not isinstance(entries, list):
            self.leave_out(place, f"{kind_of(entries)}, expected a list")
            return
        for index, entry in enumerate(entries, start):
            self.attempt(f"{place}[{index}]", entry, read)

    def attempt(self, place: str, entry: object, read: Callable[[Json, str], object]) -> None:
        """Read one entry; a misshapen one is a problem."""
        try:
            if type(entry) is not dict:
                raise WrongShapeError(f"{kind_of(entry)}, expected an object")
            read(entry, place)
        except WrongShapeError as error:
            self.leave_out(place, str(error))

    def leave_out(self, place: str, message: str) -> None:
        """Note entries that cannot be read."""
        self.has_left_out = True
        self.problems.add(place, message)

    def collect[Found](
        self, into: list[Found], owner: Json, key: str, place: str, read: Callable[[Json], Found]
    ) -> None:
        """Read every entry of a list within an object and keep what they are.

        As ``each``, but places are made only of entries that are misshapen: this is the loop
        over findings.
        """
        entries = owner.get(key)
        if entries is None:
            return
        if not isinstance(entries, list):
            self.leave_out(f"{place}/{key}", f"{kind_of(entries)}, expected a list")
            return
        for index, entry in enumerate(entries):
            try:
                if type(entry) is not dict:
                    raise WrongShapeError(f"{kind_of(entry)}, expected an object")
                into.append(read(entry))
            except WrongShapeError as error:
                self.leave_out(f"{place}/{key}[{index}]", str(error))

    def part[Found](self, place: str, read: Callable[[], Found], otherwise: Found) -> Found:
        """Read a part of which there is one; a misshapen one is a problem and left empty."""
        try:
            return read()
        except WrongShapeError as error:
            self.problems.add(place, str(error))
            return otherwise

    def told(self) -> Iterable[str]:
        """Yield a sentence for each problem."""
        for problem in self.problems.all():
            told = f"{problem.path}: {problem.message}" if problem.path else problem.message
            yield bounded(told, NAME_LIMIT)


@dataclass(slots=True)
class Gathering(Attempts):
    """The parts of a report, and the key of its secrets' fingerprints."""

    key: bytes
    targets: list[Target] = field(default_factory=list)
    packages: list[Package] = field(default_factory=list)
    vulnerabilities: list[Vulnerability] = field(default_factory=list)
    misconfigurations: list[Misconfiguration] = field(default_factory=list)
    secrets: list[Secret] = field(default_factory=list)
    licenses: list[License] = field(default_factory=list)
    suppressed: list[Suppressed] = field(default_factory=list)

    def report(
        self, format_name: str, scanner: Scanner, artifact: Artifact, created_at: datetime | None
    ) -> Report:
        """Return the report of all that was gathered."""
        return Report(
            format=format_name,
            scanner=scanner,
            artifact=artifact,
            created_at=created_at,
            targets=tuple(self.targets),
            packages=tuple(self.packages),
            vulnerabilities=tuple(self.vulnerabilities),
            misconfigurations=tuple(self.misconfigurations),
            secrets=tuple(self.secrets),
            licenses=tuple(self.licenses),
            suppressed=tuple(self.suppressed),
            problems=tuple(self.told()),
            is_whole=not self.has_left_out,
        )
