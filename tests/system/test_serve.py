"""Starting and stopping the server, and what it says when it cannot."""

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.system.conftest import ROOT, Server, start_server, stop

pytestmark = pytest.mark.slow


def serve(data: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run ``serve`` where it is expected to refuse."""
    kept = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "SECRET_KEY"}}
    kept |= {"BUILDINSIGHTS_DATA": str(data), "DJANGO_SETTINGS_MODULE": "buildinsights.settings"}
    return subprocess.run(
        [sys.executable, "manage.py", "serve", *options],
        cwd=ROOT,
        env=kept,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_ctrl_c_ends_everything_and_a_restart_keeps_the_login(tmp_path: Path):
    server = start_server(tmp_path / "data")
    family = psutil.Process(server.process.pid).children(recursive=True)
    mode = stat.S_IMODE((server.data / "credentials.json").stat().st_mode)
    assert mode == 0o600
    assert stop(server.process) == 0
    _, alive = psutil.wait_procs(family, timeout=20)
    assert alive == []
    again = start_server(tmp_path / "data")
    assert (again.password, again.token) == (server.password, server.token)
    assert again.get("/api/v1/builds/").status_code == 200
    assert stop(again.process) == 0


def test_a_port_in_use_is_said_in_a_sentence(tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = serve(tmp_path / "data", "--port", str(port))
    assert refused.returncode != 0
    assert f"Port {port} cannot be used" in refused.stderr
    assert f"PORT={port + 1}" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_data_directory_that_cannot_be_written_is_said_in_a_sentence(tmp_path: Path):
    obstacle = tmp_path / "file"
    obstacle.write_text("not a directory")
    refused = serve(obstacle / "data")
    assert refused.returncode != 0
    assert "cannot write to the data directory" in refused.stderr
    assert "BUILDINSIGHTS_DATA=" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_health(plain_server: Server):
    assert plain_server.get("/livez").text == "ok\n"
    assert plain_server.get("/readyz").json()["checks"] == {
        "audit": "ok",
        "database": "ok",
        "migrations": "ok",
        "broker": "ok",
    }
