"""The whole product, started as people start it, in a data directory of its own."""

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from playwright.sync_api import Browser, expect, sync_playwright

from buildinsights.embedded import data_dir
from tests.conftest import required
from tests.template import fingerprint

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 180
SAID_LENGTH = 4000
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
PORTS = iter(range(20_000 + 1000 * WORKER, 21_000 + 1000 * WORKER))
"""Those of this worker, each offered once."""
PATIENCE_MS = 30_000
"""How long a page may take to show something beside whatever else this machine does."""
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@dataclass
class Server:
    """A running ``manage.py serve`` and the credentials it printed."""

    process: subprocess.Popen[bytes]
    data: Path
    url: str
    username: str
    password: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def get(self, path: str, **options: Any) -> requests.Response:
        return requests.get(self.url + path, headers=self.headers, timeout=30, **options)

    def worker(self) -> psutil.Process:
        """The parent process of the Celery worker."""
        for child in psutil.Process(self.process.pid).children():
            if "worker" in child.cmdline():
                return child
        raise AssertionError("no worker runs")


def free_port() -> int:
    """Return a port that nobody uses, of those that the system gives to nobody who asks for any.

    A server binds it only when its database is there: until then another test could be given it.
    """
    for port in PORTS:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


def environment_of(data: Path, **variables: str) -> dict[str, str]:
    """The environment of a server's processes, with nothing of the tests' own database."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in {"DATABASE_URL", "SECRET_KEY", "DJANGO_SETTINGS_MODULE"}
    }
    return kept | {"BUILDINSIGHTS_DATA": str(data), **variables}


def start_server(data: Path, *options: str, **variables: str) -> Server:
    """Start the server with those environment variables and wait until it answers."""
    environment = environment_of(data, **variables)
    port = free_port()
    command = [sys.executable, "manage.py", "serve", "--port", str(port), *options]
    log = data.parent / "serve.log"
    with log.open("ab") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
    url = f"http://127.0.0.1:{port}"
    if not answers(url, process):
        stop(process)
        pytest.fail("the server did not start:\n" + log.read_text()[-3000:])
    credentials = json.loads((data / "credentials.json").read_text())
    return Server(process, data, **credentials)


def answers(url: str, process: subprocess.Popen[bytes]) -> bool:
    """Wait until the server is ready; false if it ends or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if requests.get(f"{url}/readyz", timeout=10).ok:
                return True
        except requests.RequestException:
            pass
        time.sleep(0.3)
    return False


def stop(process: subprocess.Popen[bytes]) -> int:
    """End the server as Ctrl-C does; return its exit code."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    return process.wait(timeout=60)


def tiny_progress(number: int) -> bytes:
    """A small build of its own, as ``--progress=rawjson`` writes it."""
    vertex = {
        "digest": f"sha256:{number:064x}",
        "name": "[1/1] RUN make",
        "started": "2026-01-05T10:00:00Z",
        "completed": "2026-01-05T10:00:02Z",
    }
    return json.dumps({"vertexes": [vertex]}).encode()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, Any]:
    """Of a test that fails, show what the browser showed and what the server said."""
    report = yield
    known = getattr(item, "funcargs", {})
    if report.when == "call" and report.failed:
        if page := known.get("page"):
            shown = f"{page.url}\n{page.inner_text('body')[:SAID_LENGTH]}"
            report.sections.append(("the page", shown))
        for server in known.values():
            if isinstance(server, Server):
                said = (server.data.parent / "serve.log").read_text(errors="replace")
                report.sections.append(("the server", said[-SAID_LENGTH:]))
    return report


@pytest.fixture(scope="session")
def migrated() -> Path:
    """A migrated database that no server runs on, kept until a migration changes.

    Servers start with a copy. A first start, from nothing, is what test_serve.py tests.
    """
    kept = data_dir() / "migrated"
    kept.mkdir(exist_ok=True)
    with (kept / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        of, wanted = kept / "of", fingerprint()
        if not of.exists() or of.read_text() != wanted:
            shutil.rmtree(kept / "data", ignore_errors=True)
            command = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
            environment = environment_of(kept / "data")
            subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=START_SECONDS)
            of.write_text(wanted)
    return kept / "data" / "postgres"


def copied(migrated: Path, data: Path) -> Path:
    """Return the data directory with a copy of the database in it."""
    data.mkdir()
    # As it is: the server's files belong to a user of its own where tests run as root.
    subprocess.run(["cp", "-a", str(migrated), str(data / "postgres")], check=True)
    return data


@pytest.fixture
def empty_server(migrated: Path, tmp_path: Path) -> Iterator[Server]:
    """A server without sample data, for tests that hurt it."""
    server = start_server(copied(migrated, tmp_path / "data"))
    yield server
    stop(server.process)


@pytest.fixture(scope="session")
def plain_server(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server without sample data, for tests that send it something; it may build what is here."""
    roots = str(tmp_path_factory.getbasetemp())
    data = copied(migrated, tmp_path_factory.mktemp("plain") / "data")
    server = start_server(data, BUILD_SOURCE_ROOTS=roots)
    yield server
    stop(server.process)


@pytest.fixture(scope="session")
def demo_server(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the sample builds, for tests that only look."""
    server = start_server(copied(migrated, tmp_path_factory.mktemp("demo") / "data"), "--demo")
    yield server
    stop(server.process)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium; skipped without one, failed if ``REQUIRE_BROWSER=1``."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found:
        return found
    if required("REQUIRE_BROWSER"):
        pytest.fail("REQUIRE_BROWSER=1, and there is no Chromium")
    pytest.skip("no Chromium here (apt-get install chromium)")


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """A Chromium of a module's own: while Playwright runs, so does an event loop."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        expect.set_options(timeout=PATIENCE_MS)
        yield browser
        browser.close()
