"""A real HTTP server on the loopback, which answers as a test says and keeps what it took."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Request:
    """What came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


@dataclass
class Reply:
    """What is answered."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    byte_seconds: float = 0.0
    """How long each byte of the body takes."""


class Receiver:
    """Answers with what ``answer`` returns; an answer of 2xx means that it took the request."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.taken: list[Request] = []
        self.answer: Callable[[Request], Reply] = lambda _: Reply()
        self.port = 0
        self.held = threading.Event()
        self.may_go_on = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook/s3cret"

    def reply(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Answer everything like this from now on."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answer = lambda _: Reply(status, named, body)

    def hold(self, request: Request) -> Reply:
        """Let the other side wait until the test lets go, or it has gone."""
        self.held.set()
        self.may_go_on.wait(30)
        return Reply(503)


class _Handler(BaseHTTPRequestHandler):
    receiver: Receiver

    def _handle(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        request = Request(
            self.command, self.path, dict(self.headers.items()), self.rfile.read(length)
        )
        self.receiver.asked.append(request)
        reply = self.receiver.answer(request)
        if reply.status in range(200, 300):
            self.receiver.taken.append(request)
        try:
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self._write(reply)
        except OSError:
            self.close_connection = True

    def _write(self, reply: Reply) -> None:
        if not reply.byte_seconds:
            self.wfile.write(reply.body)
            return
        for number in reply.body:
            time.sleep(reply.byte_seconds)
            self.wfile.write(bytes([number]))

    do_GET = do_POST = do_PATCH = _handle  # noqa: N815  # the names that http.server looks for

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def receiving(wrap: Callable[[Any], Any] | None = None) -> Iterator[Receiver]:
    """Run a receiver; ``wrap`` may make its socket one of TLS."""
    receiver = Receiver()
    handler = type("Handler", (_Handler,), {"receiver": receiver})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    if wrap is not None:
        server.socket = wrap(server.socket)
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=[0.05], daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.may_go_on.set()
        server.shutdown()
        server.server_close()
        thread.join()
