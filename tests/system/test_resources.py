"""Two real builds at once, sampled by the product's own command: what the server makes of it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.system.conftest import ROOT, Server

pytestmark = pytest.mark.engine

BAKE = """
group "default" { targets = ["one", "two"] }
target "one" { dockerfile-inline = "FROM localhost:5000/library/busybox:1\\nRUN %(work)s one" }
target "two" { dockerfile-inline = "FROM localhost:5000/library/busybox:1\\nRUN %(work)s two" }
"""
WORK = "dd if=/dev/urandom of=/data bs=1M count=64 && sync && sleep 3 && echo %s"
"""Takes some processor and disk, and a few samples' time; nothing that a cache could have."""

PATIENCE_SECONDS = 90


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "shop"
    made.mkdir()
    (made / "docker-bake.hcl").write_text(BAKE % {"work": WORK % uuid4()})
    return made


def build(folder: Path, server: Server) -> None:
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("BUILDINSIGHTS_", "GITHUB_", "CI"))
    }
    environment |= {
        "PYTHONPATH": str(ROOT),
        "BUILDINSIGHTS_HOME": str(folder.parent / "home"),
        "BUILDINSIGHTS_URL": server.url,
        "BUILDINSIGHTS_TOKEN": server.token,
    }
    command = [sys.executable, "-m", "cli", "build", "--wait"]
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def until(ask: Callable[[], Any], is_enough: Callable[[Any], bool]) -> Any:
    """What the server answers once its workers are done."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_enough(told := ask()):
        assert time.monotonic() < deadline, told
        time.sleep(1)
    return told


def test_samples_of_two_builds_at_once_reach_the_builders_page(
    engine: str, empty_server: Server, folder: Path
):
    build(folder, empty_server)
    get = empty_server.get
    [first, second] = until(lambda: get("/api/v1/builds/").json()["results"], lambda b: len(b) == 2)
    assert first["builder"] == second["builder"] != ""
    address = f"/api/v1/builders/{first['builder']}/?days=7"
    told = until(
        lambda: get(address).json(), lambda t: t.get("made_at") and t["now"]["builds"] == 2
    )
    now = told["now"]
    assert (now["builds"], now["sampled_builds"], now["most_at_once"]) == (2, 2, 2)
    assert 0 < now["sampled_seconds"] <= now["occupied_seconds"] < now["busy_seconds"]
    assert 0 < now["cpu_mean"] <= 1
    assert 0 < now["memory_peak_bytes"] < now["memory_total_bytes"]
    assert now["disk_bytes"] > 0
    assert told["slots"] == {"verdict": "too_few", "slots": None, "loads": []}
    for metric, most in {"cpu_ratio": 1, "memory_bytes": now["memory_total_bytes"]}.items():
        trend = f"/api/v1/services/{first['service']}/trends/?metric={metric}"
        value = until(partial(_median, empty_server, trend), lambda median: median is not None)
        assert 0 < value <= most


def _median(server: Server, address: str) -> float | None:
    median: float | None = server.get(address).json()["now"]["median"]
    return median
