"""What ``docker buildx bake --call=check,format=json`` prints: BuildKit's checks of Dockerfiles."""

from dataclasses import dataclass

from buildkit.errors import ParseError
from buildkit.limits import Limits
from buildkit.model import SourceRange
from buildkit.values import Json, as_dict, as_dicts, as_int, as_text, as_text_map, load_object

MOST_WARNINGS = 1_000


@dataclass(frozen=True, slots=True)
class CheckWarning:
    """One place where a rule is broken."""

    rule: str
    description: str
    url: str
    detail: str
    filename: str
    ranges: tuple[SourceRange, ...]


@dataclass(frozen=True, slots=True)
class CheckedTarget:
    """A target of Bake with what its Dockerfile breaks; ``stage`` is the one it builds.

    With an ``error`` BuildKit could not read the Dockerfile, and the checks say nothing.
    """

    name: str
    stage: str
    labels: dict[str, str]
    warnings: tuple[CheckWarning, ...]
    error: str = ""


def read_checks(data: bytes, path: str, limits: Limits) -> tuple[CheckedTarget, ...]:
    """Read the output, targets in its order; of warnings the first ``MOST_WARNINGS`` of each.

    Raises:
        ParseError: it is not that output.
    """
    document = load_object(data, path, limits)
    targets = document.get("target")
    if not isinstance(targets, dict):
        raise ParseError(path, "no output of BuildKit's checks")
    items = list(targets.items())[: limits.max_targets]
    return tuple(
        _target(as_text(name), item)
        for name, item in items
        if isinstance(item, dict) and isinstance(item.get("check"), dict)
    )


def _target(name: str, item: Json) -> CheckedTarget:
    build, check = as_dict(item.get("build")), as_dict(item.get("check"))
    files = [as_text(source.get("filename")) for source in as_dicts(check.get("sources"))]
    warnings = as_dicts(check.get("warnings"))[:MOST_WARNINGS]
    return CheckedTarget(
        name,
        as_text(build.get("target")),
        as_text_map(build.get("labels")),
        tuple(_warning(warning, files) for warning in warnings),
        as_text(check.get("error")) or as_text(as_dict(check.get("buildError")).get("message")),
    )


def _warning(item: Json, files: list[str]) -> CheckWarning:
    location = as_dict(item.get("location"))
    number = as_int(location.get("sourceIndex")) or 0
    ranges = []
    for span in as_dicts(location.get("ranges")):
        first = as_int(as_dict(span.get("start")).get("line")) or 0
        last = as_int(as_dict(span.get("end")).get("line")) or first
        ranges.append(SourceRange(first, last))
    return CheckWarning(
        as_text(item.get("ruleName")),
        as_text(item.get("description")),
        as_text(item.get("url")),
        as_text(item.get("detail")),
        files[number] if 0 <= number < len(files) else "",
        tuple(ranges),
    )
