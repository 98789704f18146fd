"""Decoding the largest record: time against a bare walk of its bytes, and peak memory."""

import gzip
import tarfile
import tracemalloc
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from bench.report import interleaved, report
from buildkit.reading import read_builds

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = (
    ROOT.parent / "shared" / "fixtures" / "buildkit",
    ROOT / "tests" / "corpus" / "buildkit",
    ROOT / "demo" / "recordings",
)
TARGET_TIME, TARGET_MEMORY = 4.0, 12.0
ROUNDS = 15
FRAME_HEADER = 4


def largest_record() -> Path:
    """Return the largest bundle that lies on this machine."""
    found = [path for folder in FOLDERS for path in folder.rglob("*.dockerbuild")]
    return max(found, key=lambda path: path.stat().st_size)


def fields(data: bytes, position: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield wire type, start and end of each protobuf field of a message."""
    while position < end:
        tag, position = varint(data, position)
        kind = tag & 7
        start = position
        if kind == 2:
            length, start = varint(data, position)
            position = start + length
        elif kind == 0:
            _, position = varint(data, position)
        else:
            position += 8 if kind == 1 else 4
        yield kind, start, position


def varint(data: bytes, position: int) -> tuple[int, int]:
    """Read one variable-length integer."""
    result = shift = 0
    while True:
        byte = data[position]
        position += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, position
        shift += 7


def walk(data: bytes) -> int:
    """Visit every field of every item of a status stream; return how many there are."""
    position, count = 0, 0
    while position < len(data):
        length = int.from_bytes(data[position : position + FRAME_HEADER], "little")
        position += FRAME_HEADER
        for kind, start, end in fields(data, position, position + length):
            count += 1
            if kind == 2:
                count += sum(1 for _ in fields(data, start, end))
        position += length
    return count


def status_stream(record: bytes) -> bytes:
    """Return the protobuf status blob of a bundle: the largest blob that is not JSON."""
    with tarfile.open(fileobj=BytesIO(gzip.decompress(record))) as archive:
        files = [archive.extractfile(member) for member in archive if member.isfile()]
        blobs = [file.read() for file in files if file]
    return max((blob for blob in blobs if blob[:1] != b"{"), key=len)


def run() -> None:
    """Print ``decode`` and ``decode_memory``."""
    path = largest_record()
    record = path.read_bytes()
    stream = status_stream(record)

    def floor() -> None:
        gzip.decompress(record)
        walk(stream)

    value, least = interleaved(lambda: read_builds(record=record), floor, ROUNDS)
    facts = {"record": path.name, "floor_is": "gunzip and a pure-Python walk of the protobuf"}
    ok = value <= TARGET_TIME * least
    report("decode", value=value, floor=least, unit="s", target="ratio <= 4", ok=ok, **facts)
    size = len(gzip.decompress(record))
    tracemalloc.start()
    read_builds(record=record)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    ok = peak <= TARGET_MEMORY * size
    report("decode_memory", value=peak, floor=size, unit="bytes", target="ratio <= 12", ok=ok)
