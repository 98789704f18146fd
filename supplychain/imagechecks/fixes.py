"""What to change in a Dockerfile so that a check passes, as a diff, where that can be told."""

from collections.abc import Callable, Mapping, Sequence

from buildkit.advising.editing import diff, edited
from buildkit.dockerfile import Dockerfile, Instruction, Stage, read_dockerfile
from buildkit.errors import ParseError
from buildkit.registry.errors import InvalidReferenceError
from buildkit.registry.reference import Reference
from supplychain.imagechecks.settings import name_of

USER = "USER 10001:10001\n"
HEALTH = 'HEALTHCHECK CMD ["/path/to/your/check"]\n'

type Bases = Mapping[str, str]
"""Digests by the address in the provenance."""


def fix_of(check_id: str, text: str, *, path: str, target: str = "", bases: Bases) -> str:
    """Return a unified diff of a Dockerfile; empty where none can be told.

    ``target`` is the stage that was built, the last one if it is empty.
    """
    fix = _FIXES.get(check_id)
    if fix is None:
        return ""
    try:
        dockerfile = read_dockerfile(text)
    except ParseError:
        return ""
    stage = _stage(dockerfile, target)
    changed = fix(dockerfile, stage, bases) if stage else text
    return diff(path, text, changed) if changed != text else ""


def bases_of(facts: Mapping[str, object]) -> dict[str, str]:
    """Return the bases in an image's facts."""
    listed = facts.get("bases")
    rows = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    return {str(item.get("uri", "")): str(item.get("digest", "")) for item in rows}


def _stage(dockerfile: Dockerfile, target: str) -> Stage | None:
    if not target:
        return dockerfile.stages[-1]
    return next((item for item in dockerfile.stages if item.name == target.lower()), None)


def _user(dockerfile: Dockerfile, stage: Stage, _bases: Bases) -> str:
    """Put a number in the place of the last USER, or one before what is started."""
    own = _of(stage, "USER")
    if own and own[-1].start_line == own[-1].end_line:
        return edited(dockerfile, replaced={own[-1].start_line: USER})
    return dockerfile.text if own else _with_line(dockerfile, stage, USER)


def _health(dockerfile: Dockerfile, stage: Stage, _bases: Bases) -> str:
    is_there = _of(stage, "HEALTHCHECK")
    return dockerfile.text if is_there else _with_line(dockerfile, stage, HEALTH)


def _pinned(dockerfile: Dockerfile, _stage: Stage, bases: Bases) -> str:
    """Add to each base that a tag alone names the digest that the build took for it."""
    known = {_parsed(name_of(uri)): digest for uri, digest in bases.items() if digest}
    changed = {}
    for stage in dockerfile.stages:
        reference = _parsed(stage.base)
        digest = known.get(reference) if reference and not reference.digest else None
        line = stage.instructions[0].start_line
        if digest:
            changed[line] = dockerfile.lines[line - 1].replace(
                stage.base, f"{stage.base}@{digest}", 1
            )
    return edited(dockerfile, replaced=changed)


def _parsed(text: str) -> Reference | None:
    try:
        return Reference.parse(text)
    except InvalidReferenceError:
        return None


def _of(stage: Stage, *keywords: str) -> Sequence[Instruction]:
    return [item for item in stage.instructions if item.keyword in keywords]


def _with_line(dockerfile: Dockerfile, stage: Stage, line: str) -> str:
    """Return the text with a line before what the stage starts, or else at the stage's end."""
    started = _of(stage, "ENTRYPOINT", "CMD")
    last = stage.instructions[-1].end_line
    at = started[0].start_line - 1 if started else last
    lines = list(dockerfile.lines)
    if at == len(lines) and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    return "".join([*lines[:at], line, *lines[at:]])


_FIXES: dict[str, Callable[[Dockerfile, Stage, Bases], str]] = {
    "user": _user,
    "healthcheck": _health,
    "base-pinned": _pinned,
}
