"""The processes of a single-machine server, kept alive."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import FrameType

from django.conf import settings

GRACE_SECONDS = 15.0
RESTART_PAUSE_SECONDS = 1.0


@dataclass
class Process:
    """A command that should always run."""

    name: str
    command: Sequence[str]
    child: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start it in a session of its own, so that Ctrl-C reaches only the supervisor."""
        self.child = subprocess.Popen(list(self.command), start_new_session=True)

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self.child is not None and self.child.poll() is None


def server_processes(host: str, port: int, workers: int) -> list[Process]:
    """Return web, worker, builder and scheduler."""
    python = sys.executable
    celery = [python, "-m", "celery", "--app=buildinsights", "--quiet"]
    web = [
        python,
        "-m",
        "gunicorn",
        "buildinsights.wsgi",
        "--bind",
        f"{host}:{port}",
        "--config",
        "python:buildinsights.gunicorn",
    ]
    return [
        Process("web", web),
        Process("worker", _worker(celery, "ingest,analysis,mail", workers)),
        # Registries may be slow, and builds take minutes: neither holds up what comes in.
        Process("caches", _worker(celery, "caches", 1)),
        Process("builder", _worker(celery, ",".join(settings.BUILD_QUEUES), workers)),
        Process("scheduler", [*celery, "beat", "--loglevel=WARNING"]),
    ]


def _worker(celery: Sequence[str], queues: str, processes: int) -> list[str]:
    return [
        *celery,
        "worker",
        f"--queues={queues}",
        f"--concurrency={processes}",
        "--loglevel=WARNING",
        "--without-gossip",
        "--without-mingle",
        "--without-heartbeat",
    ]


def check_port(host: str, port: int) -> None:
    """Raise ``OSError`` unless a server could listen there."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))


class Supervisor:
    """Starts processes, restarts what dies, and ends all of them together."""

    def __init__(self, processes: Sequence[Process], say: Callable[[str], object]) -> None:
        self.processes = processes
        self._say = say
        self._stopping = False

    def start(self) -> None:
        """Start everything and listen for SIGINT and SIGTERM."""
        signal.signal(signal.SIGINT, self._request_stop)
        signal.signal(signal.SIGTERM, self._request_stop)
        for process in self.processes:
            process.start()

    def run_until_interrupted(self) -> None:
        """Restart what dies until told to stop, then stop everything."""
        while not self._stopping:
            time.sleep(0.2)
            for process in self.processes:
                if not process.is_alive and not self._stopping:
                    self._say(f"{process.name} ended; starting it again")
                    time.sleep(RESTART_PAUSE_SECONDS)
                    process.start()
        self._stop_all()

    def _request_stop(self, signum: int, frame: FrameType | None) -> None:
        self._stopping = True

    def _stop_all(self) -> None:
        self._say("Stopping …")
        children = [process.child for process in self.processes if process.child]
        for child in children:
            child.terminate()
        deadline = time.monotonic() + GRACE_SECONDS
        for child in children:
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self._say("Stopped.")
