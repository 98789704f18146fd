"""The container's health check finds a host name that Django answers to, and asks ``/livez``."""

import runpy
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

SCRIPT = runpy.run_path(str(Path(__file__).resolve().parents[2] / "deploy" / "healthcheck.py"))


class Strict(BaseHTTPRequestHandler):
    """Answers as Django does: 400 to a host name that is not allowed."""

    def do_GET(self) -> None:
        is_allowed = self.path == "/livez" and self.headers["Host"] == "builds.example.com"
        self.send_response(200 if is_allowed else 400)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def port() -> Iterator[int]:
    """The port of a strict server."""
    with HTTPServer(("127.0.0.1", 0), Strict) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("allowed_hosts", "host"),
    [
        ("", "localhost"),
        ("*", "localhost"),
        ("builds.example.com,localhost", "builds.example.com"),
        (" .example.com ", "example.com"),
    ],
)
def test_it_asks_as_a_host_that_is_allowed(allowed_hosts: str, host: str) -> None:
    assert SCRIPT["host_header"](allowed_hosts) == host


def test_only_an_answer_of_200_is_alive(port: int) -> None:
    assert SCRIPT["is_alive"](port, "builds.example.com")
    assert not SCRIPT["is_alive"](port, "localhost")


def test_nothing_behind_a_port_is_not_alive() -> None:
    with HTTPServer(("127.0.0.1", 0), Strict) as closed:
        free = closed.server_port
    assert not SCRIPT["is_alive"](free, "localhost")
