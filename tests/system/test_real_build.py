"""A real build on a real engine, sent as a CI job would send it."""

import json
import subprocess
from pathlib import Path

import pytest
import requests

from tests.system.conftest import Server

pytestmark = pytest.mark.engine

DOCKERFILE = """\
FROM scratch AS files
COPY hello.txt /hello.txt
FROM scratch
COPY --from=files /hello.txt /greeting.txt
"""


def run(*command: str, cwd: Path) -> str:
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=180, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_build_export_upload_read(engine: str, plain_server: Server, tmp_path: Path):
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    (tmp_path / "hello.txt").write_text(f"hello from {tmp_path}\n")
    progress = run(
        "docker",
        "buildx",
        "build",
        "--no-cache",
        "--progress=rawjson",
        "--metadata-file=metadata.json",
        "--output=type=cacheonly",
        ".",
        cwd=tmp_path,
    )
    # By its name: the newest may be one of another test.
    ref = json.loads((tmp_path / "metadata.json").read_text())["buildx.build.ref"].rpartition("/")[
        2
    ]
    export = ("docker", "buildx", "history", "export", "--finalize")
    run(*export, "--output=build.dockerbuild", ref, cwd=tmp_path)
    with (
        (tmp_path / "build.dockerbuild").open("rb") as record,
        (tmp_path / "metadata.json").open("rb") as metadata,
    ):
        answer = requests.post(
            f"{plain_server.url}/api/v1/ingest/buildkit/?sync=1",
            headers=plain_server.headers,
            data={"service": "greeting", "pipeline_run_id": "1"},
            files={"record": record, "metadata": metadata, "progress": progress.encode()},
            timeout=60,
        )
    assert answer.status_code == 201, answer.text
    [made] = answer.json()["builds"]
    build = requests.get(made["url"], headers=plain_server.headers, timeout=30).json()
    assert build["status"] == "succeeded"
    assert (build["cacheable_steps"], build["cacheable_cached"]) == (2, 0)
    steps = requests.get(made["url"] + "steps/", headers=plain_server.headers, timeout=30).json()
    copies = [step for step in steps if step["kind"] == "copy"]
    assert [step["state"] for step in copies] == ["executed", "executed"]
    assert [step["dockerfile_line"] for step in copies] == [2, 4]
