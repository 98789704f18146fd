"""What a scanner's report says, in a terminal: how many of what, the worst, and whether to fail."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import click

from cli.summary import aligned
from cli.terminal import inert
from cli.trivy import SEVERITIES
from supplychain.reports.model import License, Report, Severity, Target

SHOWN = 10
NONE = "none"
_CELL_LENGTH = 60
_HEAD = ("severity", "vulnerabilities", "fixable", "misconfigurations", "secrets", "licences")
_WORST_HEAD = ("severity", "finding", "package or place", "installed", "fixed in")


def severities(
    ctx: click.Context | None, param: click.Parameter | None, value: str | None
) -> tuple[str, ...] | None:
    """Read severities of trivy with commas between, in any case; ``none`` is none of them.

    A callback of options: ``None`` is an option that was not given.
    """
    if value is None:
        return None
    names = tuple(name.strip().upper() for name in value.split(",") if name.strip())
    if names == (NONE.upper(),):
        return ()
    if not names or not set(names) <= set(SEVERITIES):
        known = ", ".join(SEVERITIES)
        raise click.BadParameter(f"{value!r}: there are {known}.", ctx, param)
    return names


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found. ``fixed`` is a version that is without it; empty if there is none."""

    kind: str
    """The column of the table that counts it."""
    severity: Severity
    id: str
    place: str
    installed: str = ""
    fixed: str = ""
    score: float = 0.0


def findings_of(report: Report) -> list[Finding]:
    """Return what was found, each vulnerability of a package in a target once, the worst first."""
    return sorted(
        [*_vulnerabilities(report), *_others(report)],
        key=lambda item: (-item.severity.rank, not item.fixed, -item.score, item.id, item.place),
    )


def _vulnerabilities(report: Report) -> Iterator[Finding]:
    seen: set[tuple[str, ...]] = set()
    for item in report.vulnerabilities:
        package = item.package
        key = (item.id, package.name, package.version, package.target.name)
        if key not in seen:
            seen.add(key)
            yield Finding(
                "vulnerabilities",
                item.severity,
                item.id,
                package.name,
                package.version,
                item.fixed_version,
                item.cvss_score or 0.0,
            )


def _others(report: Report) -> Iterator[Finding]:
    for check in report.misconfigurations:
        if check.status == "FAIL":
            place = _place(check.target, check.start_line)
            yield Finding("misconfigurations", check.severity, check.id, place)
    for secret in report.secrets:
        place = _place(secret.target, secret.start_line)
        yield Finding("secrets", secret.severity, secret.rule_id, place)
    for item in report.licenses:
        yield Finding("licences", item.severity, item.name, _owner(item))


def _place(target: Target, line: int | None) -> str:
    return f"{target.name}:{line}" if line else target.name


def _owner(item: License) -> str:
    return item.package_name or item.path or item.target.name


def fails(found: Iterable[Finding], fail_on: Iterable[str]) -> list[Finding]:
    """Return what is as bad as the least of ``fail_on`` or worse.

    Licences fail nothing: trivy calls the GPL of a distribution's own packages HIGH, so every image
    with a Linux in it would fail.
    """
    ranks = [Severity(name).rank for name in fail_on]
    if not ranks:
        return []
    return [item for item in found if item.kind != "licences" and item.severity.rank >= min(ranks)]


def as_text(report: Report, found: list[Finding]) -> str:
    """Return the table of what was found, and the worst of it."""
    lines = list(_remarks(report))
    if not found:
        return "".join(f"{line}\n" for line in ["Nothing was found.", *lines])
    text = aligned([_HEAD, *_counted(found)])
    worst = [item for item in found if item.kind != "licences"]
    if worst:
        cells = [_cells(item) for item in worst[:SHOWN]]
        text += "\n" + aligned([_WORST_HEAD, *cells])
    if len(worst) > SHOWN:
        lines.insert(0, f"and {len(worst) - SHOWN} more")
    return text + "".join(f"{line}\n" for line in lines)


def _counted(found: list[Finding]) -> Iterator[tuple[str, ...]]:
    counts = Counter((item.severity, item.kind) for item in found)
    fixable = Counter(item.severity for item in found if item.fixed)
    for severity in reversed(Severity):
        if any((severity, kind) in counts for kind in _HEAD):
            numbers = [counts[severity, kind] for kind in _HEAD]
            numbers[_HEAD.index("fixable")] = fixable[severity]
            yield (severity, *map(str, numbers[1:]))


def _cells(item: Finding) -> tuple[str, ...]:
    cells = (item.severity, item.id, item.place, item.installed, item.fixed)
    return tuple(_shown(cell) or "–" for cell in cells)


def _shown(text: str) -> str:
    """Return a text that cannot command a terminal: what is in an image may be hostile."""
    plain = inert(text)
    return plain if len(plain) <= _CELL_LENGTH else plain[: _CELL_LENGTH - 1] + "…"


def _remarks(report: Report) -> Iterator[str]:
    artifact = report.artifact
    if artifact.os_is_end_of_life:
        system = _shown(f"{artifact.os_family} {artifact.os_name}")
        yield f"{system} gets no more security updates: what is missing here may only be unknown."
    if report.problems:
        yield f"{len(report.problems)} parts of the report could not be read; the first: " + _shown(
            report.problems[0]
        )
