"""A worker that dies loses nothing: messages are hints, rows are the work."""

import time

import pytest
import requests

from tests.system.conftest import Server, tiny_progress

pytestmark = pytest.mark.slow

UPLOADS = 500
PATIENCE_SECONDS = 240


def test_no_upload_is_lost_when_the_worker_is_killed(empty_server: Server):
    session = requests.Session()
    session.headers.update(empty_server.headers)
    receipts = set()
    for number in range(UPLOADS):
        if number == UPLOADS // 2:
            victim = empty_server.worker()
            for process in [victim, *victim.children(recursive=True)]:
                process.kill()
        answer = session.post(
            f"{empty_server.url}/api/v1/ingest/buildkit/",
            files={"progress": ("progress.json", tiny_progress(number))},
            data={"service": "loss", "pipeline_run_id": str(number)},
            timeout=30,
        )
        assert answer.status_code == 202, answer.text
        receipts.add(answer.json()["receipt"])
    assert len(receipts) == UPLOADS
    assert wait_until_settled(empty_server) == {"done": UPLOADS}


def wait_until_settled(server: Server) -> dict[str, int]:
    """Count receipts by state until none waits."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        states = count_states(server)
        if set(states) <= {"done", "failed"} or time.monotonic() > deadline:
            return states
        time.sleep(1)


def count_states(server: Server) -> dict[str, int]:
    states: dict[str, int] = {}
    path: str | None = "/api/v1/ingest/receipts/?page_size=500"
    while path:
        page = server.get(path).json()
        for receipt in page["results"]:
            states[receipt["state"]] = states.get(receipt["state"], 0) + 1
        path = page["next"] and page["next"].removeprefix(server.url)
    return states
