"""Bounds on what a decoder reads, so that hostile input costs little."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Upper bounds; exceeding one raises ``ParseError`` unless its comment says otherwise."""

    max_uncompressed_bytes: int = 512 * 1024**2
    max_gzip_ratio: int = 200
    # Small inputs may compress better than the ratio without doing harm.
    gzip_ratio_floor_bytes: int = 16 * 1024**2
    max_archive_entries: int = 10_000
    max_index_depth: int = 8
    max_records: int = 1_000
    max_targets: int = 100
    max_json_bytes: int = 128 * 1024**2
    max_vertices: int = 100_000
    max_edges: int = 2_000_000
    # Of longer output head and tail are kept, with a line between them that says so. BuildKit
    # itself clips at 2 MiB a step unless it is told otherwise.
    max_step_log_bytes: int = 1024**2
    # Further problems are counted, not listed.
    max_problems: int = 200
    # A longer interval is a broken clock: it is left out, and a problem says so.
    max_duration_seconds: int = 30 * 86_400
