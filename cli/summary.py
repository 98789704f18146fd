"""What a run of Bake came to: one row a target, for people, machines and CI pages."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType

from buildkit.model import Build, BuildStatus


@dataclass(frozen=True, slots=True)
class Row:
    """One target. Seconds and bytes; ``None`` is unknown. ``hits`` are of ``cacheable`` steps."""

    target: str
    status: str
    wall_seconds: float | None
    critical_path_seconds: float
    hits: int
    cacheable: int
    image_bytes: int | None
    image_digest: str


def rows_of(builds: Iterable[Build], sizes: Mapping[str, int] = MappingProxyType({})) -> list[Row]:
    """Return one row a build of a run that has ended, by target; ``sizes`` are bytes by digest."""
    return sorted((_row(build, sizes) for build in builds), key=lambda row: row.target)


def _row(build: Build, sizes: Mapping[str, int]) -> Row:
    image = next(iter(build.images), None)
    return Row(
        target=build.name_hint or build.target or "build",
        # What had not ended when Bake did was ended by it.
        status="canceled" if build.status is BuildStatus.RUNNING else build.status.value,
        wall_seconds=build.timing.wall_seconds,
        critical_path_seconds=build.timing.critical_path_seconds,
        hits=build.cache.cacheable_cached,
        cacheable=build.cache.cacheable_steps,
        image_bytes=sizes.get(image.digest) if image else None,
        image_digest=image.digest if image else "",
    )


HEAD = ("target", "status", "time", "critical path", "cache hits", "size", "image")


def cells(row: Row) -> tuple[str, ...]:
    """Return a row as texts in the order of ``HEAD``."""
    ratio = f"{100 * row.hits / row.cacheable:.0f} % of {row.cacheable}" if row.cacheable else "–"
    return (
        row.target,
        row.status,
        seconds(row.wall_seconds),
        seconds(row.critical_path_seconds),
        ratio,
        size(row.image_bytes),
        row.image_digest.removeprefix("sha256:")[:12] or "–",
    )


def seconds(value: float | None) -> str:
    """Show a duration."""
    if value is None:
        return "–"
    return f"{value:.1f} s" if value < 60 else f"{value // 60:.0f} m {value % 60:.0f} s"


def size(value: int | None) -> str:
    """Show a size in decimal units, as registries do."""
    if value is None:
        return "–"
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= scale:
            return f"{value / scale:.1f} {unit}"
    return f"{value} B"


def as_text(rows: Sequence[Row]) -> str:
    """Return an aligned table."""
    return aligned([HEAD, *(cells(row) for row in rows)])


def aligned(table: Sequence[Sequence[str]]) -> str:
    """Return lines of cells as text, each column as wide as its widest cell."""
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in table
    ]
    return "\n".join(lines) + "\n"


def as_markdown(rows: Sequence[Row]) -> str:
    """Return a Markdown table, as a GitHub job summary shows it."""
    lines = [HEAD, ("---",) * len(HEAD), *(cells(row) for row in rows)]
    table = ["| " + " | ".join(_escaped(cell) for cell in line) + " |" for line in lines]
    return "### Builds\n\n" + "\n".join(table) + "\n"


def _escaped(cell: str) -> str:
    return cell.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")


def write_json(rows: Sequence[Row], path: Path) -> None:
    """Write the rows as JSON."""
    path.write_text(json.dumps({"builds": [asdict(row) for row in rows]}, indent=2) + "\n")
