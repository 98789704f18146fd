"""Accepting uploads over HTTP, against single-row commits of the same bytes."""

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http import HTTPStatus
from http.client import HTTPConnection
from typing import Any

import psycopg
import requests
from django.conf import settings
from django.db import connection

from bench.report import report
from ingest.uploads import GZIP_MAGIC

CLIENTS = 4
BODY_BYTES = 100_000
UPLOADS = 800
ROUNDS = 3
TARGET = 0.4
START_SECONDS = 60
BOUNDARY = "f2c1b0a9"


def free_port() -> int:
    """Return a port of the loopback interface that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start_web(port: int) -> subprocess.Popen[bytes]:
    """Start the web server as ``manage.py serve`` does."""
    from buildinsights.supervisor import server_processes

    web = server_processes("127.0.0.1", port, 1)[0]
    process = subprocess.Popen(list(web.command), env=os.environ | {"API_RATE": "1000000/min"})
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            if requests.get(f"http://127.0.0.1:{port}/livez", timeout=5).ok:
                return process
        except requests.RequestException:
            time.sleep(0.2)
    process.terminate()
    raise RuntimeError("the web server did not start")


def share() -> list[bytes]:
    """One client's bodies, none like another; as incompressible as the records they stand for."""
    size = BODY_BYTES - len(GZIP_MAGIC)
    return [GZIP_MAGIC + secrets.token_bytes(size) for _ in range(UPLOADS // CLIENTS)]


def form(body: bytes) -> bytes:
    """Wrap a body as ``curl -F service=s -F record=@file`` does."""
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="service"\r\n\r\ns\r\n'
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="record"; filename="r"\r\n\r\n'
    )
    return head.encode() + body + f"\r\n--{BOUNDARY}--\r\n".encode()


def upload_all(port: int, token: str, bodies: list[bytes]) -> None:
    """Send each body over one connection, with as little work of the client as may be."""
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
    }
    client = HTTPConnection("127.0.0.1", port, timeout=60)
    for body in bodies:
        client.request("POST", "/api/v1/ingest/buildkit/", form(body), headers)
        answer = client.getresponse()
        text = answer.read()
        if answer.status != HTTPStatus.ACCEPTED:
            raise RuntimeError(f"{answer.status}: {text[:200]!r}")
    client.close()


def insert_all(parameters: dict[str, Any], bodies: list[bytes]) -> None:
    """Commit each body as one row."""
    with psycopg.connect(**parameters, autocommit=True) as database:
        for body in bodies:
            database.execute("INSERT INTO bench_bodies (body) VALUES (%s)", [body])


def rate(work: Callable[..., None], *arguments: Any) -> float:
    """Return how many bodies a second the clients get through together."""
    shares = [share() for _ in range(CLIENTS)]
    begun = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        for done in [pool.submit(partial(work, *arguments), bodies) for bodies in shares]:
            done.result()
    return UPLOADS / (time.perf_counter() - begun)


def run(token: str) -> None:
    """Print ``ingest_http``; the best of three rounds each, in turn."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_bodies (id bigserial PRIMARY KEY, body bytea)")
        cursor.execute("ALTER TABLE bench_bodies ALTER COLUMN body SET STORAGE EXTERNAL")
    database = settings.DATABASES["default"]
    names = {"host": "HOST", "user": "USER", "dbname": "NAME", "password": "PASSWORD"}
    parameters = {key: database[name] for key, name in names.items() if database[name]}
    port = free_port()
    web = start_web(port)
    try:
        rate(upload_all, port, token)
        pairs = [
            (rate(upload_all, port, token), rate(insert_all, parameters)) for _ in range(ROUNDS)
        ]
    finally:
        web.terminate()
        web.wait()
    value, floor = max(pair[0] for pair in pairs), max(pair[1] for pair in pairs)
    facts = {"clients": CLIENTS, "body_bytes": BODY_BYTES, "python": sys.version.split()[0]}
    report(
        "ingest_http",
        value=value,
        floor=floor,
        unit="payloads/s",
        target="ratio >= 0.4",
        ok=value >= TARGET * floor,
        floor_is="single-row commits of the same bytes through psycopg",
        **facts,
    )
