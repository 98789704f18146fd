"""Dependencies installed below a ``COPY`` of everything, although they need manifests only."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from buildkit.advising.advice import Kind, Proposal
from buildkit.advising.arguments import LOOK
from buildkit.advising.commands import SYSTEM, Install, installs_of
from buildkit.advising.editing import edited, span, with_comments
from buildkit.advising.finding import (
    Known,
    directories,
    is_broad,
    key_of,
    place_of,
    resolved,
    seconds_of,
    stage_of,
)
from buildkit.advising.history import Seen, is_same, spared
from buildkit.advising.manifests import manifests_of, remarks_of
from buildkit.advising.moving import moves_of
from buildkit.dockerfile import Instruction, Stage, read_dockerfile, split_lines
from buildkit.explaining import Cause

_HARMLESS = frozenset(
    {
        *("ARG", "CMD", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "MAINTAINER"),
        *("STOPSIGNAL", "WORKDIR"),
    }
)
_FLAGS = ("--chown=", "--chmod=", "--link")
_MOUNTS = ("type=cache", "type=secret", "type=ssh")


@dataclass(frozen=True, slots=True)
class LateInstall:
    """An install that reads ``manifests``, and the broad ``COPY`` above it.

    ``variables`` change and go below it, too, as it does not use them.
    """

    proposal: Proposal
    copy: Instruction
    install: Instruction
    manifests: tuple[str, ...]
    variables: frozenset[str]

    def runs(self, one: Seen) -> Mapping[int, float]:
        """Return its runs in chains that other files than the manifests began."""
        if not self._has_same_manifests(one):
            return {}
        seeds = one.positions_of([self.copy], Cause.FILES)
        found = spared(one, seeds, lambda step: is_same(one, step, self.variables))
        return seconds_of(one, found & one.positions_of([self.install]))

    def is_followed(self, one: Seen) -> bool:
        """Tell whether the install stands above every broad ``COPY`` of its stage."""
        items = stage_of(one.dockerfile, self.proposal.stage)
        at = place_of(items, self.install.normalised)
        return at is not None and not any(map(is_broad, items[:at]))

    def _has_same_manifests(self, one: Seen) -> bool:
        after, before = one.files, one.files_before
        if after is None or before is None:
            return False
        return all(after.get(name) == before.get(name) for name in self.manifests)


def find(one: Seen, known: Known) -> Iterator[LateInstall]:
    """Yield what a Dockerfile installs too late."""
    if one.files is None:
        return
    for stage in one.dockerfile.stages:
        for copy, install in _candidates(one, stage):
            found = _late(one, known, stage, copy, install)
            if found:
                yield found


def _candidates(one: Seen, stage: Stage) -> Iterator[tuple[int, int]]:
    """Yield the numbers of a broad ``COPY`` and of the first step below it, an install."""
    places = directories(one.dockerfile, stage)
    for at, copy in enumerate(stage.instructions):
        if not is_broad(copy) or not all(flag.startswith(_FLAGS) for flag in copy.flags):
            continue
        below = range(at + 1, len(stage.instructions))
        install = next((n for n in below if stage.instructions[n].keyword not in _HARMLESS), None)
        destination = copy.words[-1]
        has_variable = "$" in copy.text
        if install is None or has_variable or stage.instructions[install].keyword != "RUN":
            continue
        is_there = resolved(places[at], destination) == places[install]
        is_fixed = destination.startswith("/") or places[at] == places[install]
        if is_there and is_fixed:
            yield at, install


def _late(one: Seen, known: Known, stage: Stage, at: int, below: int) -> LateInstall | None:
    copy, run = stage.instructions[at], stage.instructions[below]
    install = _only_install(run)
    if install is None or not one.files:
        return None
    manifests = manifests_of(install, one.files)
    remarks = remarks_of(install, manifests, known.read) if manifests else None
    if remarks is None:
        return None
    new = _edited(one, copy, run, manifests)
    new, variables = _without_arguments(new, stage, run, known.changed)
    title = f"Copy {' '.join(manifests)} first, install, and copy the rest below"
    if variables:
        title += f", with {', '.join(sorted(variables))}"
        remarks.append(LOOK.format(names=", ".join(sorted(variables))))
    proposal = Proposal(
        Kind.INSTALL,
        key_of(Kind.INSTALL, stage, run.normalised),
        title,
        stage.name,
        span(one.dockerfile.text, new),
        one.dockerfile.text,
        new,
        (run.normalised,),
        tuple(remarks),
    )
    return LateInstall(proposal, copy, run, manifests, variables)


def _without_arguments(
    text: str, stage: Stage, run: Instruction, changing: frozenset[str]
) -> tuple[str, frozenset[str]]:
    """Move changing arguments below an install that does not use them; returns which, too."""
    dockerfile = read_dockerfile(text)
    own = dockerfile.stages[stage.number]
    number = place_of(own.instructions, run.normalised)
    moves = moves_of(dockerfile, own, changing)
    if moves is None or number is None:
        return text, frozenset()
    moves = moves_of(dockerfile, own, moves.names & moves.across(number))
    return (moves.text(dockerfile), moves.across(number)) if moves else (text, frozenset())


def _only_install(run: Instruction) -> Install | None:
    """Return what a ``RUN`` installs from files of the project, if it does nothing else."""
    mounts = [flag.partition("=")[2] for flag in run.flags if flag.startswith("--mount=")]
    is_plain = len(mounts) == len(run.flags) and "$" not in run.text
    installs = installs_of(run)
    if len(installs) != 1 or not is_plain or installs[0].manager == SYSTEM:
        return None
    is_own = all(any(kind in mount.split(",") for kind in _MOUNTS) for mount in mounts)
    return installs[0] if is_own else None


def _edited(one: Seen, copy: Instruction, run: Instruction, manifests: tuple[str, ...]) -> str:
    """Put a ``COPY`` of the manifests where the broad one stands, and that below the install."""
    destination = copy.words[-1].rstrip("/") + "/"
    words = ["COPY", *copy.flags, *manifests, destination]
    first = with_comments(one.dockerfile, copy)
    moved = edited(one.dockerfile, [(first, run.end_line + 1)])
    lines = split_lines(moved)
    end = "\r\n" if lines[0].endswith("\r\n") else "\n"
    own = " ".join(words) + end
    return "".join((*lines[: first[0] - 1], own, *lines[first[0] - 1 :]))
