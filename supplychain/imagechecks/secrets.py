"""Checks for secrets; no result has a secret's value, only where it is and by which rule."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from buildkit.layers import Entry
from buildkit.values import as_list, as_text, as_text_map
from supplychain.imagechecks.filesystem import FinalFiles
from supplychain.imagechecks.formats import assignments, formats_in, is_secret
from supplychain.imagechecks.model import (
    MOST_ITEMS,
    Check,
    Evidence,
    Kind,
    Places,
    Subject,
)
from supplychain.imagechecks.secret_files import secrets_in
from supplychain.reports.model import Severity

MOST_FOUND = 1_000
LONGEST = 100_000
"""Characters of an instruction that are looked at."""

_MOUNT = "Give it to the build by RUN --mount=type=secret, and replace the secret: it is known."
_ENV = Kind(
    "secret-in-env",
    "No secrets in environment variables",
    Severity.HIGH,
    "Set it when the container starts, from a secret store, and replace the secret: it is known.",
)
_ARGUMENTS = Kind("secret-in-build-args", "No secrets in build arguments", Severity.HIGH, _MOUNT)
_LABELS = Kind(
    "secret-in-labels",
    "No secrets in labels",
    Severity.HIGH,
    "Remove the label, and replace the secret: it is known.",
)
_HISTORY = Kind("secret-in-history", "No secrets in instructions", Severity.HIGH, _MOUNT)
_LAYERS = Kind(
    "secret-in-layers",
    "No secrets in layers",
    Severity.HIGH,
    "Keep it out of the build context (.dockerignore) or mount it as a secret; removing it in a"
    " later layer leaves it in the image. Replace the secret: it is known.",
)


def environment(subject: Subject) -> Iterator[tuple[str, str]]:
    """Yield names and values of the variables of an image."""
    for item in as_list(subject.settings.get("Env"))[:MOST_ITEMS]:
        name, _, value = as_text(item).partition("=")
        yield name, value


def known_values(subject: Subject) -> set[str]:
    """Return values that are secret by the names of their variables and labels."""
    pairs = [*environment(subject), *labels_of(subject)]
    return {value for name, value in pairs if is_secret(name, value)}


def labels_of(subject: Subject) -> Iterator[tuple[str, str]]:
    """Yield names and values of an image's labels, and of its manifest's annotations."""
    yield from islice(as_text_map(subject.settings.get("Labels")).items(), MOST_ITEMS)
    yield from islice(as_text_map(subject.manifest.get("annotations")).items(), MOST_ITEMS)


def check_environment(subject: Subject, places: Places) -> Check:
    """Tell of variables that are secrets by their names or values."""
    found = [*_named(environment(subject), places)]
    return _result(_ENV, found, "variables hold secrets", "no variable holds a secret")


def check_labels(subject: Subject, places: Places) -> Check:
    """Tell of labels and annotations that are secrets by their names or values."""
    found = [*_named(labels_of(subject), places)]
    return _result(_LABELS, found, "labels hold secrets", "no label holds a secret")


def check_history(subject: Subject, places: Places) -> Iterator[Check]:
    """Tell of build arguments and of words of instructions that are secrets."""
    arguments: list[Evidence] = []
    words: list[Evidence] = []
    for number, text in enumerate(subject.history(), 1):
        text = text[:LONGEST]
        rest = places.masker.without_arguments(text)
        before = text.removesuffix(rest.removeprefix("RUN ")) if rest != text else ""
        if text.startswith("ARG "):
            before, rest = text, ""
        shown = places.instruction(text)
        arguments += _told(before, f"history {number}", shown)
        words += _told(rest, f"history {number}", shown)
    yield _result(
        _ARGUMENTS, arguments, "build arguments hold secrets", "no build argument holds a secret"
    )
    yield _result(_HISTORY, words, "secrets stand in instructions", "no instruction holds a secret")


def _named(pairs: Iterable[tuple[str, str]], places: Places) -> Iterator[Evidence]:
    for name, value in pairs:
        rules = list(formats_in(value[:LONGEST]))
        if rules or is_secret(name, value):
            yield Evidence(places.shown(name), ", ".join(rules) or "by its name")


def _told(text: str, place: str, shown: str) -> list[Evidence]:
    """Return what a part of the history tells; names are told, what they are set to is not."""
    rules = [*dict.fromkeys(f"value of {name}" for name, _ in assignments(text))]
    rules += formats_in(text)
    return [Evidence(place, rule, instruction=shown) for rule in rules]


def _result(kind: Kind, found: list[Evidence], failed: str, passed: str) -> Check:
    return kind.failed(f"{len(found)} {failed}", found) if found else kind.passed(passed)


@dataclass(frozen=True, slots=True)
class _Found:
    path: str
    rule: str
    severity: Severity
    layer: int


@dataclass(slots=True)
class LayerSecrets:
    """Files with secrets of all layers, whether or not a later one hides them."""

    _found: list[_Found] = field(default_factory=list)
    _layers: set[int] = field(default_factory=set)
    _counted: int = 0

    def look(self, entry: Entry, layer: int) -> bool:
        """Look at a file; tell whether it is or has a secret."""
        found = [_Found(entry.path, *told, layer) for told in secrets_in(entry)]
        self._counted += len(found)
        if found:
            self._layers.add(layer)
        self._found += found[: MOST_FOUND - len(self._found)]
        return bool(found)

    @property
    def layers(self) -> frozenset[int]:
        """The layers of files with secrets."""
        return frozenset(self._layers)

    def check(self, final: FinalFiles, places: Places) -> Check:
        """Tell of the files; ``final`` has those that the image still has."""
        if not self._found:
            return _LAYERS.passed("no file is known as a secret, in any layer")
        evidence = [self._evidence(item, final, places) for item in self._found]
        return _LAYERS.failed(
            f"{self._counted} secrets in files of layers", evidence, self._counted
        )

    @staticmethod
    def _evidence(item: _Found, final: FinalFiles, places: Places) -> Evidence:
        known = final.at(item.path)
        is_there = known is not None and known[1] == item.layer
        detail = item.rule if is_there else f"{item.rule}; hidden by a later layer, still there"
        return places.evidence(f"/{item.path}", detail, item.layer, item.severity)
