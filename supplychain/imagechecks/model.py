"""What a check of an image is, and what it looks at."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from buildkit.instructions import as_written
from buildkit.model import Material
from buildkit.values import Json, as_dict, as_dicts, as_text
from supplychain.imagechecks.masking import Masker
from supplychain.reports.model import Severity

MOST_EVIDENCE = 20
LONGEST_TEXT = 300
MOST_ITEMS = 2_000
"""Variables, labels and entries of the history that are looked at: no image has as many."""

DEFAULT_LABELS = tuple(
    f"org.opencontainers.image.{name}" for name in ("source", "revision", "version")
)


class Status(StrEnum):
    """What came of a check.

    ``UNKNOWN`` where what it takes to tell was not given or not all read, ``NOT_APPLICABLE`` where
    the question makes no sense for the image.
    """

    PASS = "pass"  # noqa: S105  # no password
    FAIL = "fail"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not-applicable"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One place in an image: a path, or the name of a variable, label or port; never its value.

    ``layer`` is a digest, and ``instruction`` that which brought it; empty where there is none.
    """

    place: str
    detail: str = ""
    layer: str = ""
    instruction: str = ""
    severity: Severity = Severity.UNKNOWN
    """In a result that of the check, if it is not said of the place."""


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check; ``count`` places were found, of which ``evidence`` has the first.

    ``severity`` is how bad a failure is, whether or not it failed.
    """

    id: str
    title: str
    severity: Severity
    status: Status
    message: str
    remediation: str = ""
    evidence: tuple[Evidence, ...] = ()
    count: int = 0


@dataclass(frozen=True, slots=True)
class Kind:
    """What one check is, before an image is looked at."""

    id: str
    title: str
    severity: Severity
    remediation: str

    def passed(self, message: str) -> Check:
        """Return that nothing is wrong."""
        return Check(self.id, self.title, self.severity, Status.PASS, message)

    def unknown(self, message: str) -> Check:
        """Return that it cannot be told."""
        return Check(self.id, self.title, self.severity, Status.UNKNOWN, message, self.remediation)

    def not_applicable(self, message: str) -> Check:
        """Return that the question makes no sense."""
        return Check(self.id, self.title, self.severity, Status.NOT_APPLICABLE, message)

    def failed(
        self, message: str, evidence: Iterable[Evidence] = (), count: int | None = None
    ) -> Check:
        """Return what is wrong: as bad as the worst place, of which the worst come first."""
        told = (
            replace(item, severity=self.severity) if item.severity is Severity.UNKNOWN else item
            for item in evidence
        )
        found = sorted(told, key=lambda item: (-item.severity.rank, item.place, item.detail))
        return Check(
            self.id,
            self.title,
            found[0].severity if found else self.severity,
            Status.FAIL,
            message,
            self.remediation,
            tuple(found[:MOST_EVIDENCE]),
            len(found) if count is None else count,
        )


@dataclass(frozen=True, slots=True)
class Subject:
    """What is known of an image besides its files.

    ``materials`` are those of its provenance; ``None`` if there is none, as opposed to none in it.
    """

    config: Json
    manifest: Json = field(default_factory=dict)
    reference: str = ""
    is_production: bool = False
    labels: tuple[str, ...] = DEFAULT_LABELS
    materials: tuple[Material, ...] | None = None

    @property
    def settings(self) -> Json:
        """What containers start with: user, variables, labels."""
        return as_dict(self.config.get("config"))

    @property
    def is_windows(self) -> bool:
        """Whether its files have no modes, and its users no numbers."""
        return self.config.get("os") == "windows"

    def history(self) -> list[str]:
        """The instruction of each entry of the history, as the image has it."""
        entries = as_dicts(self.config.get("history"))[:MOST_ITEMS]
        return [as_text(item.get("created_by")) for item in entries]

    def layer_instructions(self, count: int) -> list[str]:
        """The instruction of each of so many layers; all empty if the history has not as many."""
        made = [
            as_text(item.get("created_by"))
            for item in as_dicts(self.config.get("history"))
            if not item.get("empty_layer")
        ]
        return made if len(made) == count else [""] * count


@dataclass(slots=True)
class Places:
    """Names layers, with their instructions as they may be shown."""

    digests: list[str]
    instructions: list[str]
    masker: Masker
    with_secrets: frozenset[int] = frozenset()
    """Layers of files with secrets: the words of their RUN may be these secrets."""
    _known: dict[int, str] = field(default_factory=dict)

    def evidence(
        self, place: str, detail: str, layer: int, severity: Severity = Severity.UNKNOWN
    ) -> Evidence:
        """Return a place in a layer."""
        return Evidence(
            self.shown(place), detail, self.digests[layer], self.instruction_of(layer), severity
        )

    def shown(self, text: str) -> str:
        """Return a text without what may be a secret in it, and not too long."""
        text = self.masker.masked(text)
        return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…"

    def instruction(self, text: str) -> str:
        """Return an instruction as it may be shown."""
        return self.shown(as_written(self.masker.without_arguments(text)))

    def instruction_of(self, layer: int) -> str:
        """Return the instruction that brought a layer, as it may be shown."""
        if layer not in self._known:
            self._known[layer] = self._told(layer)
        return self._known[layer]

    def _told(self, layer: int) -> str:
        text = self.instruction(self.instructions[layer])
        is_copy = text.startswith(("COPY ", "ADD "))
        if layer not in self.with_secrets or is_copy or not text:
            return text
        return f"{' '.join(text.split()[:2])} …" if text.startswith("RUN ") else "…"
