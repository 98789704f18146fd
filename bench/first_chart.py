"""How soon a chart is seen: the demo server in Chromium with an empty cache, a trend's page.

The floor is the same page as a file, with the same bytes, from the same server: that is what the
browser takes, and the rest is what the server takes to make the page.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import requests
from playwright.sync_api import Browser, sync_playwright

from bench.report import report

ROOT = Path(__file__).resolve().parents[1]
PAGE = "/projects/demo/services/api/trends/"
FLOOR = "/static/first_chart.html"
ROUNDS = 7
TARGET_SECONDS = 1.0
START_SECONDS, DRAWN_MS = 180, 30_000
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]

WATCH = """
const seen = (now) => {
  const line = document.querySelector("svg.chart .line");
  const isPainted = performance.getEntriesByName("first-contentful-paint").length > 0;
  if (!window.painted && isPainted && line?.getBoundingClientRect().width) window.painted = now;
  if (document.querySelector(".plot.is-live .live .trace")) window.drawn = performance.now();
  else requestAnimationFrame(seen);
};
requestAnimationFrame(seen);
"""
"""Notes the first frame after one with the SVG in it was painted, and that Plotly has drawn."""


def chromium() -> str | None:
    """Return where a Chromium is."""
    return shutil.which("chromium") or shutil.which("google-chrome")


def run() -> None:
    """Measure both pages in turn, each time with a new browser profile."""
    data = Path(tempfile.mkdtemp(prefix="buildinsights-bench-"))
    data.chmod(0o755)
    try:
        with _server(data, "--demo") as url:
            page = _added_up(data, url)
        (data / "static" / Path(FLOOR).name).write_bytes(page)
        with _server(data) as url, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
            _measure(browser, url, data, len(page))
            browser.close()
    finally:
        shutil.rmtree(data, ignore_errors=True)


@contextmanager
def _server(data: Path, *options: str) -> Iterator[str]:
    """Start the whole product as people do, and stop it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    left_out = {"DATABASE_URL", "SECRET_KEY", "DJANGO_SETTINGS_MODULE", "CELERY_BROKER_URL"}
    environment = {name: value for name, value in os.environ.items() if name not in left_out}
    environment["BUILDINSIGHTS_DATA"] = str(data)
    command = [sys.executable, "manage.py", "serve", "--port", str(port), *options]
    nowhere = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=nowhere, stderr=nowhere)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(lambda: requests.get(f"{url}/readyz", timeout=10).ok)
        yield url
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)


def _wait(is_done: Any) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            if is_done():
                return
        except requests.RequestException:
            pass
        time.sleep(0.3)
    raise TimeoutError("the demo server did not become ready")


def _added_up(data: Path, url: str) -> bytes:
    """Wait until the service's days are added up; return its page as it is sent."""
    told = json.loads((data / "credentials.json").read_text())
    client = requests.Session()
    client.headers["Authorization"] = f"Bearer {told['token']}"
    api = f"{url}/api/v1"
    builds = len(client.get(f"{api}/builds/?service=api", timeout=30).json()["results"])
    trends = f"{api}/services/api/trends/?days=365"
    _wait(lambda: client.get(trends, timeout=30).json()["now"]["builds"] == builds)
    person = requests.Session()
    person.get(f"{url}/login/", timeout=30)
    form = {
        "username": told["username"],
        "password": told["password"],
        "csrfmiddlewaretoken": person.cookies["csrftoken"],
    }
    person.post(f"{url}/login/", data=form, timeout=30).raise_for_status()
    answer = person.get(url + PAGE, timeout=30)
    answer.raise_for_status()
    return answer.content


def _measure(browser: Browser, url: str, data: Path, size: int) -> None:
    told = json.loads((data / "credentials.json").read_text())
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{url}/login/")
    page.get_by_label("Username").fill(told["username"])
    page.get_by_label("Password").fill(told["password"])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/projects/**")
    state = context.storage_state()
    _seen(browser, url + PAGE, state)  # the server's processes are warm then, the browser never
    pairs = [
        (_seen(browser, url + PAGE, state), _seen(browser, url + FLOOR, state))
        for _ in range(ROUNDS)
    ]
    value, floor = (median(pair[n][0] for pair in pairs) for n in (0, 1))
    drawn, floor_drawn = (median(pair[n][1] for pair in pairs) for n in (0, 1))
    report(
        "first_chart",
        value=value,
        floor=floor,
        unit="s",
        target=f"<= {TARGET_SECONDS:.0f} s until the first chart is painted",
        ok=value <= TARGET_SECONDS,
        slowest=round(max(pair[0][0] for pair in pairs), 3),
        plotly_drawn=round(drawn, 3),
        floor_plotly_drawn=round(floor_drawn, 3),
        html_bytes=size,
        rounds=ROUNDS,
    )


def _seen(browser: Browser, address: str, state: Any) -> tuple[float, float]:
    """Return after how many seconds the SVG was painted, and Plotly had drawn."""
    context = browser.new_context(storage_state=state, viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.add_init_script(WATCH)
    page.goto(address)
    page.wait_for_function("() => window.drawn", timeout=DRAWN_MS)
    painted, drawn = page.evaluate("[window.painted, window.drawn]")
    context.close()
    return painted / 1000, drawn / 1000


if __name__ == "__main__":
    run()
