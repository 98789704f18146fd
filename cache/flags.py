"""What is wrong with a cache reference, as its sums of a period show it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ENOUGH = 5
"""Exports or imports from which on a reference is judged."""

CONTENDED_RATIO = 1.5
"""Exports beside another's that take this much longer are contended."""


@dataclass(frozen=True, slots=True)
class Flag:
    """One thing that is wrong: what, the numbers that show it, and what helps."""

    name: str
    title: str
    why: str
    advice: str


def flags(sums: Mapping[str, Any], *, exports_are_named: bool) -> Iterator[Flag]:
    """Yield what the sums of one reference show.

    ``sums`` are the columns of ``ReferenceDay``, added up over all services, with ``exporters``
    (how many services export it) and ``disjoint`` (pairs of services that have no layer in common).
    ``exports_are_named`` tells whether senders say where they export to: only then is it known
    that nobody exports to a reference.
    """
    yield from _costs_more(sums)
    yield from _imported_only(sums, exports_are_named=exports_are_named)
    yield from _unread(sums)
    yield from _overwritten(sums)
    yield from _disjoint(sums)
    yield from _contended(sums)


def net_seconds(sums: Mapping[str, Any]) -> float:
    """Return time saved − (import + pull + export).

    At most: what the builder's own cache gave to the same builds is in it, too.
    """
    costs = sums["import_seconds"] + sums["pull_seconds"] + sums["export_seconds"]
    return float(sums["saved_seconds"] - costs)


def _costs_more(sums: Mapping[str, Any]) -> Iterator[Flag]:
    if sums["exports"] >= ENOUGH and sums["imports"] and net_seconds(sums) < 0:
        yield Flag(
            "costs-more",
            "Costs more than it saves",
            f"{sums['exports']} exports took {sums['export_seconds']:.0f} s, imports and pulls "
            f"{sums['import_seconds'] + sums['pull_seconds']:.0f} s; at most "
            f"{sums['saved_seconds']:.0f} s were saved.",
            "Export from the default branch only, or with `mode=min`.",
        )


def _imported_only(sums: Mapping[str, Any], *, exports_are_named: bool) -> Iterator[Flag]:
    tried = sums["imports"] + sums["failed_imports"]
    if tried >= ENOUGH and not sums["exports"] and exports_are_named:
        yield Flag(
            "imported-only",
            "Imported, and never exported",
            f"{tried} builds asked for it, {sums['failed_imports']} in vain; none wrote it.",
            "Add `cache-to` to the builds of one branch, or take `cache-from` away.",
        )


def _unread(sums: Mapping[str, Any]) -> Iterator[Flag]:
    if sums["max_exports"] >= ENOUGH and not sums["imports"]:
        yield Flag(
            "unread",
            "`mode=max` that nobody reads",
            f"{sums['max_exports']} exports took {sums['export_seconds']:.0f} s; "
            "no build imported it.",
            "Import it with `cache-from`, or stop exporting it.",
        )


def _overwritten(sums: Mapping[str, Any]) -> Iterator[Flag]:
    if sums["exporters"] > 1:
        yield Flag(
            "overwritten",
            "Services overwrite each other's cache",
            f"{sums['exporters']} services export to it, and each export replaces the whole.",
            "Give each service a reference of its own, and import several.",
        )


def _disjoint(sums: Mapping[str, Any]) -> Iterator[Flag]:
    for one, other in sums["disjoint"]:
        yield Flag(
            "disjoint",
            "Shared by services that never hit each other",
            f"The last builds of {one} and {other} have no layer in common.",
            "Give each service a reference of its own.",
        )


def _contended(sums: Mapping[str, Any]) -> Iterator[Flag]:
    crossed, alone = sums["crossed_exports"], sums["exports"] - sums["crossed_exports"]
    if min(crossed, alone) < ENOUGH:
        return
    beside = sums["crossed_seconds"] / crossed
    by_itself = (sums["export_seconds"] - sums["crossed_seconds"]) / alone
    if by_itself and beside > CONTENDED_RATIO * by_itself:
        yield Flag(
            "contended",
            "Parallel exports slow each other",
            f"{crossed} exports beside another one took {beside:.1f} s on average, "
            f"{alone} by themselves {by_itself:.1f} s.",
            "Build fewer targets at once (`--max-parallel`), or export from one of them.",
        )
