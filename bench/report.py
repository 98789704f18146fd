"""One JSON line a benchmark."""

import json
import os
import platform
from collections.abc import Callable
from statistics import median
from time import perf_counter

Work = Callable[[], object]


def seconds(work: Work) -> float:
    """Return how long one call takes."""
    begun = perf_counter()
    work()
    return perf_counter() - begun


def interleaved(value: Work, floor: Work, rounds: int) -> tuple[float, float]:
    """Return the median seconds of both, measured in turn so that drift meets both alike."""
    value()
    floor()
    pairs = [(seconds(value), seconds(floor)) for _ in range(rounds)]
    return median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)


def report(
    benchmark: str,
    *,
    value: float,
    floor: float,
    unit: str,
    target: str,
    ok: bool,
    **facts: object,
) -> None:
    """Print a benchmark's line; ``ratio`` is value ÷ floor."""
    python = platform.python_version()
    line = {
        "benchmark": benchmark,
        "value": round(value, 6),
        "floor": round(floor, 6),
        "unit": unit,
        "ratio": round(value / floor, 3) if floor else None,
        "target": target,
        "ok": ok,
        **facts,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {python}",
    }
    print(json.dumps(line), flush=True)
