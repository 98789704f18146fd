"""Size and speed: bounds that hold by a wide margin on a slow machine."""

import time
import tracemalloc

from buildkit import wire
from buildkit.reading import read_builds
from tests.buildkit.making import bundle, frame, record_fields, run
from tests.buildkit.test_corpus import read_case

COUNT = 50_000


def test_fifty_thousand_vertices() -> None:
    vertexes = [
        run(f"v{number}", f"[s {number + 1}/{COUNT}] RUN x", 0, 1 + number / COUNT)
        | {"inputs": [f"v{number - 1}", f"v{number // 2}"] if number else []}
        for number in range(COUNT)
    ]
    data = bundle(record_fields(), {wire.STATUS_MEDIA_TYPE: frame(vertexes=vertexes)})
    begun = time.perf_counter()
    [build] = read_builds(record=data)
    assert time.perf_counter() - begun < 20
    assert len(build.steps) == COUNT
    assert sum(step.critical for step in build.steps) == COUNT


def test_a_small_record_takes_milliseconds() -> None:
    record = read_case("platforms")[0]["record"]
    read_builds(record=record)
    best = min(_seconds(record) for _ in range(10))
    assert best < 0.05


def test_memory_stays_near_the_size_of_the_input() -> None:
    logs = [{"vertex": "a", "stream": 1, "msg": b"x" * 200} for _ in range(5_000)]
    status = frame(vertexes=[run("a", "RUN x", 0, 1)], logs=logs)
    data = bundle(record_fields(), {wire.STATUS_MEDIA_TYPE: status})
    tracemalloc.start()
    try:
        read_builds(record=data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 12 * len(data)


def _seconds(record: bytes) -> float:
    begun = time.perf_counter()
    read_builds(record=record)
    return time.perf_counter() - begun
