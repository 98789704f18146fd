"""``DATABASE_URL`` and ``CELERY_BROKER_URL`` switch to servers of the operator's own."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from buildinsights.embedded import start_postgres
from tests.system.conftest import Server, free_port, start_server, stop

pytestmark = pytest.mark.slow

PROGRESS = (
    b'{"vertexes":[{"digest":"sha256:aa","name":"[1/1] RUN make",'
    b'"started":"2026-01-05T10:00:00Z","completed":"2026-01-05T10:00:02Z"}]}'
)


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("no redis-server here (apt-get install redis-server)")
    port = free_port()
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL) as process:
        yield f"redis://127.0.0.1:{port}/0"
        process.terminate()


@pytest.fixture
def server(tmp_path: Path, redis_url: str) -> Iterator[Server]:
    running = start_server(
        tmp_path / "data",
        DATABASE_URL=start_postgres(tmp_path / "elsewhere", "insights"),
        CELERY_BROKER_URL=redis_url,
        SECRET_KEY="of the operator " * 4,
    )
    yield running
    stop(running.process)


def test_an_upload_is_digested_by_a_worker_over_redis(server: Server):
    answer = requests.post(
        f"{server.url}/api/v1/ingest/buildkit/",
        headers=server.headers,
        files={"progress": PROGRESS},
        data={"service": "shop"},
        timeout=30,
    )
    assert answer.status_code == 202
    receipt = answer.json()["status_url"].removeprefix(server.url)
    deadline = time.monotonic() + 60
    while (found := server.get(receipt).json())["state"] != "done":
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
    assert len(found["builds"]) == 1
    assert not (server.data / "postgres").exists()
    assert not (server.data / "broker").exists()
