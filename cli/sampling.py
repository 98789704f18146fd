"""Samples of this machine once a second, in the form that ``resources`` of the ingest API takes."""

import json
import time
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

INTERVAL_SECONDS = 1.0


class Sampler:
    """Writes one JSON line a second while its block runs.

    They are of this machine: the collector drops them where the builder runs elsewhere.
    """

    def __init__(self, path: Path, interval: float = INTERVAL_SECONDS) -> None:
        self._path, self._interval = path, interval
        self._stop = Event()
        self._thread = Thread(target=self._work, name="sampler", daemon=True)

    def __enter__(self) -> "Sampler":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=self._interval)

    def _work(self) -> None:
        import psutil

        psutil.cpu_percent()  # the first call only marks the beginning
        # Without a place to write there are no samples; that fails no build.
        with suppress(OSError), self._path.open("w") as file:
            while not self._stop.wait(self._interval):
                file.write(json.dumps(sample()) + "\n")
                file.flush()


def sample() -> dict[str, Any]:
    """Return what the machine does now; counters of disk and network are cumulative bytes."""
    import psutil

    memory, disk, network = (
        psutil.virtual_memory(),
        psutil.disk_io_counters(),
        psutil.net_io_counters(),
    )
    return {
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + "Z",
        "cpu_ratio": psutil.cpu_percent() / 100,
        "memory_used_bytes": memory.total - memory.available,
        "memory_total_bytes": memory.total,
        "disk_read_bytes": disk.read_bytes if disk else None,
        "disk_write_bytes": disk.write_bytes if disk else None,
        "network_rx_bytes": network.bytes_recv if network else None,
        "network_tx_bytes": network.bytes_sent if network else None,
    }
