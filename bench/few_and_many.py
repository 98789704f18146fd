"""The same requests with few rows and with many, in turn, each in a database of its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

from bench.database import count_queries, use_database
from bench.report import report, seconds

ROUNDS = 5
WARM_UP = 5
REQUESTS = 20


@dataclass(frozen=True, slots=True)
class Compared:
    """One request: the best median seconds of all rounds, and its queries, each few and many."""

    seconds: tuple[float, float]
    queries: tuple[int, int]


def compare(
    get: Callable[[str], Any], paths: Callable[[], Mapping[str, str]], few: str, many: str
) -> dict[str, Compared]:
    """Measure what ``paths`` names in both databases; ends in that of many.

    ``paths`` is asked in each, as the newest row may be another there.
    """
    best: dict[tuple[str, str], float] = {}
    queries: dict[tuple[str, str], int] = {}
    for _ in range(ROUNDS):
        for database in (few, many):
            use_database(database)
            for name, path in paths().items():
                ask = partial(get, path)
                queries[name, database] = [count_queries(ask) for _ in range(WARM_UP)][-1]
                taken = median(seconds(ask) for _ in range(REQUESTS))
                best[name, database] = min(taken, best.get((name, database), taken))
    return {
        name: Compared(
            (best[name, few], best[name, many]), (queries[name, few], queries[name, many])
        )
        for name in paths()
    }


def tell(name: str, found: Compared, *, most: float, floor_is: str, **facts: object) -> None:
    """Print a line: many ÷ few, which may be ``most``, with as many queries."""
    floor, value = found.seconds
    report(
        name,
        value=value,
        floor=floor,
        unit="s",
        target=f"ratio <= {most:g}, same queries",
        ok=value <= most * floor and found.queries[0] == found.queries[1],
        queries=list(found.queries),
        floor_is=floor_is,
        **facts,
    )
