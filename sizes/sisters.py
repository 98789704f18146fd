"""Services that build on the same base, and other bases of its family that were measured."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from buildkit.instructions import kind_of
from builds.models import Build
from sizes.growth import Growth
from sizes.models import InstructionSize
from sizes.querysets import GROUP

KINDS = ("FROM", "RUN", "COPY", "other")
"""Kinds of instructions that services are held against each other by; ADD is a COPY."""

MOST = 20
KNOWN_FOR = timedelta(days=365)
"""How old a measurement of a base may be."""

MOST_MEASURED = 500


@dataclass(frozen=True, slots=True)
class Sister:
    """Bytes by kind of instruction of the newest image of a group, in the order of ``KINDS``."""

    service: Any
    group: str
    sizes: Mapping[str, int]
    total_bytes: int
    is_self: bool


@dataclass(frozen=True, slots=True)
class Base:
    """A base of the same family, as a build of the project has measured it."""

    name: str
    size_bytes: int
    saved_bytes: int
    build: Build
    was_here: bool
    """Whether this service itself was built on it."""


def base_of(growth: Growth) -> InstructionSize | None:
    """Return the ``FROM`` of the newest image, if it is known."""
    return growth.stairs.standing().filter(instruction__startswith="FROM ").first()


def sisters_of(growth: Growth, base: InstructionSize) -> list[Sister]:
    """Return what stands on a base of the same repository in the project, smallest first.

    The group itself is among them; alone it is nothing to compare.
    """
    project = growth.newest.service.project_id
    standing = InstructionSize.objects.filter(service__project=project).standing()
    same = standing.filter(instruction=base.instruction)
    groups = {_key(row) for row in same.only("service_id", *GROUP)[:MOST_MEASURED]}
    stairs = standing.filter(service__in={key[0] for key in groups}).select_related("service")
    found: defaultdict[tuple[Any, ...], list[InstructionSize]] = defaultdict(list)
    for stair in stairs:
        if _key(stair) in groups:
            found[_key(stair)].append(stair)
    sisters = [_sister(rows, _key(growth.newest)) for rows in found.values()]
    ordered = sorted(sisters, key=lambda row: (row.total_bytes, row.service.name, row.group))
    return ordered[:MOST] if len(ordered) > 1 else []


def _key(row: Any) -> tuple[Any, ...]:
    return (row.service_id, *(getattr(row, name) for name in GROUP))


def _sister(stairs: list[InstructionSize], own: tuple[Any, ...]) -> Sister:
    sizes = dict.fromkeys(KINDS, 0)
    for stair in stairs:
        sizes[_kind(stair)] += stair.after_bytes or 0
    first = stairs[0]
    return Sister(
        service=first.service,
        group=", ".join(part for part in _key(first)[1:] if part),
        sizes=sizes,
        total_bytes=sum(sizes.values()),
        is_self=_key(first) == own,
    )


def _kind(stair: InstructionSize) -> str:
    kind = kind_of(stair.instruction)
    return "COPY" if kind == "ADD" else kind if kind in KINDS else "other"


def bases_of(growth: Growth, base: InstructionSize) -> list[Base]:
    """Return smaller bases of the same family that builds of the project were made on.

    A family is what a repository is called, wherever it lies: node, python. Of each base the last
    measurement counts.
    """
    rows = InstructionSize.objects.filter(
        service__project=growth.newest.service.project_id,
        instruction__startswith="FROM ",
        platform=base.platform,
        at__gte=timezone.now() - KNOWN_FOR,
        after_bytes__isnull=False,
    )
    smaller = _smaller(rows.order_by("-at", "-pk")[:MOST_MEASURED], base)
    # Of the hundreds of measurements few are told: the builds of these alone are read.
    builds = Build.objects.select_related("project", "service")
    found = builds.in_bulk([row.build_id for row, _ in smaller])
    return [
        _base(row, base, found[row.build_id], was_here)
        for row, was_here in smaller
        if row.build_id in found
    ]


def _smaller(
    measured: Iterable[InstructionSize], base: InstructionSize
) -> list[tuple[InstructionSize, bool]]:
    """Return the last measurement of each smaller base, and whether the service was on it."""
    last: dict[str, InstructionSize] = {}
    here: set[str] = set()
    for row in measured:
        if _family(row) == _family(base) and row.name != base.name:
            last.setdefault(row.name, row)
            if row.service_id == base.service_id:
                here.add(row.name)
    smaller = [row for row in last.values() if (row.after_bytes or 0) < (base.after_bytes or 0)]
    ordered = sorted(smaller, key=lambda row: (row.after_bytes or 0, row.name))
    return [(row, row.name in here) for row in ordered[:MOST]]


def _base(row: InstructionSize, base: InstructionSize, build: Build, was_here: bool) -> Base:
    size = row.after_bytes or 0
    saved = (base.after_bytes or 0) - size
    return Base(row.name.removeprefix("FROM "), size, saved, build, was_here)


def _family(stair: InstructionSize) -> str:
    return stair.instruction.rpartition("/")[2].removeprefix("FROM ")


def told_sisters(growth: Growth) -> Mapping[str, Any]:
    """Return ``base``, ``kinds``, ``sisters`` and ``bases``; nothing if the base is not known."""
    base = base_of(growth)
    return {
        "base": base,
        "kinds": KINDS,
        "sisters": sisters_of(growth, base) if base else [],
        "bases": bases_of(growth, base) if base else [],
    }
