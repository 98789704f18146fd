"""Files that no build needs, but that are sent, and make a ``COPY`` of everything run."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from buildkit.advising.advice import Kind, Proposal
from buildkit.advising.commands import managers_of
from buildkit.advising.finding import Known, is_broad, normalised, seconds_of, sources_of
from buildkit.advising.history import Seen, changes, is_same, spared
from buildkit.dockerfile import Dockerfile, Instruction
from buildkit.explaining import Cause, Files
from buildkit.explaining.files import changed_files
from buildkit.model import CACHEABLE_KINDS, StepKind

DOCKERFILES = "Dockerfile*"
_NODE = "node_modules"
_GIT = ".git"

# Pattern of .dockerignore, the paths that it matches, and the word that shows that one is needed.
_RUBBISH: tuple[tuple[str, str, str], ...] = (
    (_GIT, r"\.git(/.*)?", "git"),
    (_NODE, r"node_modules(/.*)?", ""),
    ("**/__pycache__", r"(.*/)?__pycache__(/.*)?", "__pycache__"),
    ("**/*.pyc", r"(.*/)?[^/]*\.pyc", ".pyc"),
    (".venv", r"\.venv(/.*)?", "venv"),
    ("venv", r"venv(/.*)?", "venv"),
    ("**/.pytest_cache", r"(.*/)?\.pytest_cache(/.*)?", ".pytest_cache"),
    ("**/.mypy_cache", r"(.*/)?\.mypy_cache(/.*)?", ".mypy_cache"),
    ("**/.ruff_cache", r"(.*/)?\.ruff_cache(/.*)?", ".ruff_cache"),
    ("coverage", r"coverage(/.*)?", "coverage"),
    (".coverage", r"\.coverage", "coverage"),
    ("*.log", r"[^/]*\.log", ".log"),
    ("**/.DS_Store", r"(.*/)?\.DS_Store", ".DS_Store"),
    (".idea", r"\.idea(/.*)?", ".idea"),
    (".vscode", r"\.vscode(/.*)?", ".vscode"),
    ("**/*.swp", r"(.*/)?[^/]*\.swp", ".swp"),
    (DOCKERFILES, r"Dockerfile[^/]*", "Dockerfile"),
    ("docker-compose*.yml", r"docker-compose[^/]*\.yml", "compose"),
    ("compose*.yml", r"compose[^/]*\.yml", "compose"),
    ("docker-bake.hcl", r"docker-bake\.hcl", "bake"),
    (".dockerignore", r"\.dockerignore", "dockerignore"),
    (".github", r"\.github(/.*)?", ".github"),
    (".gitlab-ci.yml", r"\.gitlab-ci\.yml", ".gitlab-ci"),
)

LOOK_GIT = "Look whether a tool of the build reads .git: setuptools-scm and Go's build stamp do."
LOOK = "Look whether a program of the image reads one of these files."
ADD = "Its text is not known here. Add the lines: {lines}"


@dataclass(frozen=True, slots=True)
class Rubbish:
    """Patterns of files that are sent for nothing; ``bytes`` is ``None`` if not recorded."""

    proposal: Proposal
    patterns: tuple[str, ...]
    bytes: int | None

    def runs(self, one: Seen) -> Mapping[int, float]:
        """Return runs of chains that only these files began, and their part of the transfer."""
        is_rubbish = matcher(self.patterns)
        seeds = {
            position
            for position, reason in one.observed.explanation.reasons.items()
            if reason.cause is Cause.FILES and self._is_spared(one, position)
        }
        found = spared(one, seeds, lambda step: is_same(one, step, is_ignored=is_rubbish.fullmatch))
        return {**seconds_of(one, found), **dict(_transfers(one, is_rubbish))}

    def is_followed(self, one: Seen) -> bool:
        """Tell whether the context has none of the files any more."""
        # Whether the Dockerfile is sent is not recorded: see `_patterns`.
        patterns = tuple(item for item in self.patterns if item != DOCKERFILES)
        is_there = any(map(is_broad, one.dockerfile.instructions))
        if not patterns or not is_there or one.files is None:
            return False
        return not any(map(matcher(patterns).fullmatch, one.files))

    def _is_spared(self, one: Seen, position: int) -> bool:
        step = one.observed.evidence.build.steps[position]
        changed = changes(one, step) if step.kind in CACHEABLE_KINDS else ()
        is_rubbish = matcher(self.patterns)
        return bool(changed) and is_same(one, step, is_ignored=is_rubbish.fullmatch)


def matcher(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """Return an expression of all paths that the patterns leave out."""
    known = {pattern: expression for pattern, expression, _ in _RUBBISH}
    return re.compile("|".join(f"(?:{known[pattern]})" for pattern in patterns), re.DOTALL)


def find(one: Seen, known: Known) -> Iterator[Rubbish]:
    """Yield the rubbish of a context, all at once, where something copies the whole of it."""
    broad = [item for item in one.dockerfile.instructions if is_broad(item)]
    if not broad or not one.files:
        return
    patterns = tuple(_patterns(one, one.files, known))
    if patterns:
        expression = matcher(patterns)
        sizes = one.observed.evidence.sizes
        size = sum(b for path, b in sizes.items() if expression.fullmatch(path)) if sizes else None
        yield Rubbish(_proposal(one, one.files, known, broad, patterns), patterns, size)


def _patterns(one: Seen, files: Files, known: Known) -> Iterator[str]:
    lines = [line.strip().removeprefix("/") for line in (known.dockerignore or "").splitlines()]
    kept = [line[1:].strip().removeprefix("/") for line in lines if line.startswith("!")]
    for pattern, expression, word in _RUBBISH:
        match = re.compile(expression, re.DOTALL)
        found = [path for path in files if match.fullmatch(path)]
        # docker-py lists the Dockerfile whatever .dockerignore says: only its text tells.
        is_unsure = pattern == DOCKERFILES and known.dockerignore is None
        if not found or is_unsure or pattern in lines:
            continue
        is_kept = any(changed_files({}, dict.fromkeys(found, ""), [line]) for line in kept)
        if not is_kept and not _is_needed(one.dockerfile, pattern, word, found):
            yield pattern


def _is_needed(dockerfile: Dockerfile, pattern: str, word: str, found: list[str]) -> bool:
    """Whether an instruction names such a file, or a command may use it."""
    items = dockerfile.instructions
    if any(_names(source, pattern, found) for item in items for source in sources_of(item)):
        return True
    if pattern == _NODE:
        return not any(managers_of(item) & {"npm", "yarn", "pnpm"} for item in items)
    return any(word in item.text for item in items if not is_broad(item))


def _names(source: str, pattern: str, found: list[str]) -> bool:
    """Whether a source is one of these, or lies in one; with a wildcard, whether it has any."""
    path = source.removeprefix("./").strip("/")
    if any(sign in path for sign in "*?["):
        return bool(changed_files({}, dict.fromkeys(found, ""), [path]))
    parts, match = path.split("/"), matcher((pattern,))
    return any(match.fullmatch("/".join(parts[: end + 1])) for end in range(len(parts)))


def _transfers(one: Seen, is_rubbish: re.Pattern[str]) -> Iterator[tuple[int, float]]:
    """Yield the seconds of sending the context, times the share of bytes of these files."""
    sizes, after, before = one.observed.evidence.sizes, one.files, one.files_before
    if not sizes or after is None or before is None:
        return
    sent = [path for path in after if after[path] != before.get(path)]
    total = sum(sizes.get(path, 0) for path in sent)
    ours = sum(sizes.get(path, 0) for path in sent if is_rubbish.fullmatch(path))
    for step in one.observed.evidence.build.steps if ours else ():
        if step.kind is StepKind.CONTEXT and step.transferred_bytes:
            yield step.position, step.busy_seconds * ours / total


def _proposal(
    one: Seen, files: Files, known: Known, broad: list[Instruction], patterns: tuple[str, ...]
) -> Proposal:
    own = f"{one.source.filename}.dockerignore"
    name = own if own in files else ".dockerignore"
    old = known.dockerignore
    is_known = old is not None
    ended = old if not old or old.endswith("\n") else f"{old}\n"
    # A new .dockerignore would be sent, too, and change what is copied.
    added = patterns if old or name in files else (*patterns, ".dockerignore")
    remarks = [LOOK_GIT] if _GIT in patterns else []
    remarks += [LOOK] + ([] if is_known else [ADD.format(lines=" ".join(patterns))])
    numbers = {item.stage for item in broad}
    below = [
        item
        for item in one.dockerfile.instructions
        if item.stage in numbers and item.end_line >= broad[0].start_line
    ]
    return Proposal(
        Kind.IGNORE,
        f"{Kind.IGNORE} .dockerignore",
        f"Leave {', '.join(patterns)} out of the context",
        "",
        (broad[0].start_line, broad[0].end_line),
        old if old or name in files else None,
        "".join((ended or "", *(f"{pattern}\n" for pattern in added))) if is_known else None,
        normalised([item for item in below if item.keyword in ("ADD", "COPY", "RUN", "WORKDIR")]),
        tuple(remarks),
        name,
    )
