"""What the name of a vertex says, how a step ended, and what names it across builds."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from buildkit.model import BuildStatus, StepKind, StepState
from buildkit.status import Vertex

_BRACKETS = re.compile(r"\[([^\]\n]*)\]\s*(.*)", re.DOTALL)
_STEP_NUMBER = re.compile(r"(\d+)/\d+", re.ASCII)
_PLATFORM = re.compile(r"[a-z0-9]+(?:\([^)]*\))?/[a-z0-9_]+(?:/[a-z0-9.]+)?(?:->[a-z0-9_/.]+)?")
_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}")
_CANCELED = re.compile(r"context cancell?ed|\bCancell?ed\b", re.IGNORECASE)

_SHORT = 512

# Of vertices that only this client can have asked for: their start is a start of this build.
_LOCAL_NAMES = ("load build definition", "load .dockerignore", "load local bake definitions")

_INSTRUCTIONS = {
    "FROM": StepKind.FROM,
    "RUN": StepKind.RUN,
    "COPY": StepKind.COPY,
    "ADD": StepKind.ADD,
    "WORKDIR": StepKind.WORKDIR,
}
_PREFIXES = (
    ("docker-image://", StepKind.FROM),
    ("oci-layout://", StepKind.FROM),
    ("http://", StepKind.HTTP),
    ("https://", StepKind.HTTP),
    ("git://", StepKind.GIT),
    ("load git source", StepKind.GIT),
    ("local://", StepKind.CONTEXT),
    ("load build context", StepKind.CONTEXT),
    ("load from client", StepKind.CONTEXT),
    ("OCI load from client", StepKind.CONTEXT),
    ("load metadata for", StepKind.RESOLVE),
    ("resolve image config for", StepKind.RESOLVE),
    ("importing cache manifest", StepKind.IMPORT_CACHE),
    ("exporting cache", StepKind.EXPORT_CACHE),
    ("preparing build cache", StepKind.EXPORT_CACHE),
    ("exporting to", StepKind.EXPORT_IMAGE),
    ("exporting attestation", StepKind.ATTESTATION),
    ("importing to", StepKind.EXPORT_IMAGE),
    ("pushing", StepKind.EXPORT_IMAGE),
    ("generating sbom", StepKind.ATTESTATION),
    ("resolving provenance", StepKind.ATTESTATION),
)


@dataclass(frozen=True, slots=True)
class StepName:
    """A vertex name taken apart: ``[bake linux/arm64 stage 2/7] RUN make``.

    ``number`` is the step's place in its stage (2), or 0 for steps that have none; ``group`` is
    the word before the stage, which Bake sets to the name of its target. A cross-compiling step
    (``linux/amd64->arm64``) has the platform it builds for.
    """

    kind: StepKind
    stage: str
    platform: str
    instruction: str
    number: int = 0
    group: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """What names a step across builds; ``key`` hashes stage, platform, instruction, ordinal."""

    ordinal: int
    key: str


def parse_name(name: str) -> StepName:
    """Take a vertex name apart; never fails, an unknown form is an internal step."""
    # Builds of one service repeat their names; long ones must not stay in memory.
    return _parse_short_name(name) if len(name) <= _SHORT else _parse_name(name)


def _parse_name(name: str) -> StepName:
    text = name.strip().removeprefix("CACHED ")
    match = _BRACKETS.fullmatch(text)
    if match is None:
        return StepName(_kind_of_text(text), "", "", _one_line(text))
    words = match[1].split()
    rest = match[2]
    number = 0
    if words and (numbered := _STEP_NUMBER.fullmatch(words[-1])):
        number = int(numbered[1][:9])
        words.pop()
    platforms = [word for word in words if _PLATFORM.fullmatch(word)]
    words = [word for word in words if word not in platforms]
    platform = _target_platform(platforms[0]) if platforms else ""
    if number:
        stage, group = (words[-1] if words else ""), (words[0] if len(words) > 1 else "")
        return StepName(_kind_of_text(rest), stage, platform, _one_line(rest), number, group)
    return _unnumbered(words, platform, rest)


_parse_short_name = lru_cache(maxsize=4096)(_parse_name)


def runs_on(name: str, platform: str) -> str:
    """Return the platform whose code a step of ``platform`` runs.

    Of a cross-compiling step (``linux/amd64->arm64``) it is the first, on which its stage stands.
    """
    match = _BRACKETS.fullmatch(name.strip().removeprefix("CACHED "))
    words = match[1].split() if match else []
    crossing = (word for word in words if "->" in word and _PLATFORM.fullmatch(word))
    return next((word.partition("->")[0] for word in crossing), platform)


def find_build_start(vertices: Iterable[Vertex], created_ns: int | None) -> int | None:
    """When this build began: as recorded, or at its first transfer from the client.

    A vertex that started before is work of another build that this one joined.
    """
    starts = [
        vertex.started_ns
        for vertex in vertices
        if vertex.started_ns is not None and any(name in vertex.name for name in _LOCAL_NAMES)
    ]
    if created_ns is not None:
        starts.append(created_ns)
    return min(starts, default=None)


def find_states(
    vertices: list[Vertex], status: BuildStatus, build_start_ns: int | None
) -> list[StepState]:
    """The state of every vertex.

    ``SHARED`` has two forms in BuildKit's records of builds that overlap. Work that was under way
    already when this build joined is reported with its true start, before this build's. And a
    vertex whose cache key turns out to equal another's is merged into it: it never starts, and
    the other, with the same name and its own digest, runs in its place. Both of such a pair are
    shared. A canceled or failed build leaves vertices that never started too; those are canceled.
    """
    idle_names = {
        vertex.name
        for vertex in vertices
        if not vertex.starts and vertex.completed_ns is None and not vertex.cached
    }
    return [_state(vertex, status, build_start_ns, idle_names) for vertex in vertices]


def identify(names: Sequence[StepName], platforms: Sequence[str]) -> list[Identity]:
    """Identity per step; equals are numbered by their place in the stage, then as given.

    ``platforms`` are those of the steps, which a name need not say.
    """
    identities: list[Identity] = [Identity(0, "")] * len(names)
    seen: Counter[tuple[str, str, str]] = Counter()
    for index in sorted(range(len(names)), key=lambda item: (names[item].number, item)):
        name = names[index]
        parts = (name.stage, platforms[index], _DIGEST.sub("", name.instruction))
        ordinal = seen[parts]
        seen[parts] += 1
        text = "\0".join((*parts, str(ordinal)))
        key = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]
        identities[index] = Identity(ordinal, key)
    return identities


def is_canceled(message: str) -> bool:
    """Whether an error of BuildKit means that someone gave up, not that something broke."""
    return _CANCELED.search(message) is not None


def _state(
    vertex: Vertex, status: BuildStatus, build_start_ns: int | None, idle_names: set[str]
) -> StepState:
    if vertex.error:
        return StepState.CANCELED if is_canceled(vertex.error) else StepState.FAILED
    if vertex.cached:
        return StepState.CACHED
    if vertex.completed_ns is None or vertex.is_open:
        return _unfinished(vertex, status)
    joined = (
        build_start_ns is not None
        and vertex.started_ns is not None
        and vertex.started_ns < build_start_ns
    )
    return StepState.SHARED if joined or vertex.name in idle_names else StepState.EXECUTED


def _unfinished(vertex: Vertex, status: BuildStatus) -> StepState:
    if status is BuildStatus.RUNNING:
        return StepState.RUNNING if vertex.starts else StepState.PENDING
    if status is BuildStatus.SUCCEEDED and not vertex.starts:
        return StepState.SHARED
    return StepState.CANCELED


def _unnumbered(words: list[str], platform: str, rest: str) -> StepName:
    """``[internal] …``, ``[auth] …``, ``[context name] …`` and Bake's ``[target] …``."""
    own = ("internal", "auth", "context")
    is_grouped = words[-1] in own[:2] if len(words) > 1 else bool(words) and words[0] not in own
    group = words[0] if is_grouped else ""
    if "auth" in words:
        return StepName(StepKind.INTERNAL, "", platform, _one_line(f"auth {rest}"), 0, group)
    kind = _kind_of_text(rest)
    if kind is StepKind.INTERNAL and words[:1] == ["context"] and len(rest.split()) == 1:
        # A named context that is an image has nothing but its reference as name.
        kind = StepKind.FROM
    return StepName(kind, "", platform, _one_line(rest), 0, group)


def _kind_of_text(text: str) -> StepKind:
    first = text.split(maxsplit=1)[0] if text.strip() else ""
    if first in _INSTRUCTIONS:
        return _INSTRUCTIONS[first]
    for prefix, kind in _PREFIXES:
        if text.startswith(prefix):
            return kind
    return StepKind.INTERNAL


def _target_platform(text: str) -> str:
    base, arrow, target = text.partition("->")
    if not arrow:
        return base
    return target if "/" in target else f"{base.split('/')[0]}/{target}"


def _one_line(text: str) -> str:
    return " ".join(text.split())
