"""What an image's configuration says, as it may be kept: no value of it is a secret."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from buildkit.values import as_dict, as_list, as_text, as_text_map
from supplychain.imagechecks.formats import is_secret
from supplychain.imagechecks.masking import MASK
from supplychain.imagechecks.model import Places, Subject
from supplychain.imagechecks.settings import bases_of
from supplychain.imagechecks.users import RunUser, user_of

MOST_FACTS = 100
"""Labels, ports, words and layers that are kept."""


@dataclass(frozen=True, slots=True)
class LayerFact:
    """A layer with the instruction that brought it; empty if the history does not tell."""

    digest: str
    instruction: str


@dataclass(frozen=True, slots=True)
class BaseFact:
    """An image that it was built from, as its provenance names it."""

    uri: str
    digest: str


@dataclass(frozen=True, slots=True)
class Facts:
    """The configuration; ``user`` as it is set, and ``uid`` who that is, if it can be told."""

    user: str
    uid: int | None
    labels: dict[str, str]
    healthcheck: tuple[str, ...]
    exposed_ports: tuple[str, ...]
    entrypoint: tuple[str, ...]
    cmd: tuple[str, ...]
    layers: tuple[LayerFact, ...]
    bases: tuple[BaseFact, ...]


def facts_of(subject: Subject, user: RunUser, places: Places) -> Facts:
    """Return what an image's configuration says."""
    settings = subject.settings
    bases = bases_of(subject)[:MOST_FACTS]
    return Facts(
        user=places.shown(user_of(subject)),
        uid=user.uid,
        labels={
            places.shown(name): MASK if is_secret(name, value) else places.shown(value)
            for name, value in islice(as_text_map(settings.get("Labels")).items(), MOST_FACTS)
        },
        healthcheck=_words(as_dict(settings.get("Healthcheck")).get("Test"), places),
        exposed_ports=_shown(as_dict(settings.get("ExposedPorts")), places),
        entrypoint=_words(settings.get("Entrypoint"), places),
        cmd=_words(settings.get("Cmd"), places),
        layers=tuple(
            LayerFact(digest, places.instruction_of(layer))
            for layer, digest in enumerate(places.digests[:MOST_FACTS])
        ),
        bases=tuple(BaseFact(places.shown(item.uri), item.digest) for item in bases),
    )


def _words(value: object, places: Places) -> tuple[str, ...]:
    """Return words of a command; what follows an option that names a secret is one."""
    words = [as_text(word) for word in islice(as_list(value), MOST_FACTS)]
    shown = []
    is_hidden = False
    for word in words:
        shown.append(MASK if is_hidden else places.shown(word))
        is_hidden = word.startswith("-") and "=" not in word and is_secret(word.lstrip("-"), "x")
    return tuple(shown)


def _shown(texts: Iterable[object], places: Places) -> tuple[str, ...]:
    return tuple(places.shown(as_text(text)) for text in islice(texts, MOST_FACTS))
