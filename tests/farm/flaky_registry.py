"""The registry of this machine behind a proxy that answers 503 for as long as it is told."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

REGISTRY = "http://localhost:5000"


@dataclass
class FlakyRegistry:
    """A registry at ``host`` that is down, until it is told that it is not."""

    host: str = ""
    is_down: bool = True


@contextmanager
def flaky_registry() -> Iterator[FlakyRegistry]:
    """Serve one while the block runs."""
    registry = FlakyRegistry()

    class Handler(BaseHTTPRequestHandler):
        default_request_version = "HTTP/1.1"  # an answer to TLS that Docker takes for plain HTTP

        def do_GET(self) -> None:
            if registry.is_down:
                self.send_error(503)
                return
            kept = {name: value for name, value in self.headers.items() if name != "Host"}
            address = f"{REGISTRY}{self.path}"
            answer = requests.request(self.command, address, headers=kept, timeout=30)
            self.send_response(answer.status_code)
            for name in ("Content-Type", "Docker-Content-Digest", "Content-Length"):
                if name in answer.headers:
                    self.send_header(name, answer.headers[name])
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(answer.content)

        do_HEAD = do_GET  # noqa: N815  # the name that http.server looks for

        def log_message(self, *_: Any) -> None:
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    registry.host = f"localhost:{server.server_port}"
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()
