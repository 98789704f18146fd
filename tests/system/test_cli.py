"""The command on a real engine: builds, failures, Ctrl-C, records, and a server that is away."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from cli import debugger
from tests.system.conftest import ROOT, Server

pytestmark = pytest.mark.engine

BAKE = """
variable "VARIANT" { default = "prod" }
group "default" { targets = ["web", "api"] }
target "base" {
  dockerfile-inline = "FROM scratch\\nCOPY base.txt /base.txt"
}
target "web" {
  contexts = { base = "target:base" }
  dockerfile-inline = "FROM base\\nCOPY web.txt /web.txt"
}
target "api" {
  contexts = { base = "target:base" }
  dockerfile-inline = "FROM base\\nCOPY api.txt /api.txt"
}
target "broken" {
  dockerfile = "broken.Dockerfile"
}
target "slow" {
  dockerfile = "slow.Dockerfile"
}
target "round" { contexts = { x = "target:about" } }
target "about" { contexts = { x = "target:round" } }
"""
BASE = "localhost:5000/library/busybox:1"

type Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "docker-bake.hcl").write_text(BAKE)
    for name in ("base", "web", "api"):
        (folder / f"{name}.txt").write_text(f"{name} of {tmp_path}\n")
    (folder / "broken.Dockerfile").write_text(
        f"FROM {BASE}\nRUN echo one\nRUN echo src/x.ts: error TS1 && exit 3\n"
    )
    (folder / "slow.Dockerfile").write_text(f"FROM {BASE}\nRUN sleep 600\n")
    return folder


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("BUILDINSIGHTS_", "GITHUB_", "CI"))
    }
    return kept | {"PYTHONPATH": str(ROOT), "BUILDINSIGHTS_HOME": str(tmp_path / "home")}


@pytest.fixture
def run(engine: str, project: Path, environment: dict[str, str]) -> Command:
    def call(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "cli", *arguments],
            cwd=project,
            env=environment | variables,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    return call


def runs(environment: dict[str, str]) -> list[dict[str, Any]]:
    """What is known of the runs, newest first."""
    folder = Path(environment["BUILDINSIGHTS_HOME"]) / "records"
    return [json.loads((path / "run.json").read_text()) for path in sorted(folder.iterdir())][::-1]


def rows(done: subprocess.CompletedProcess[str]) -> dict[str, list[str]]:
    """The summary: status and cache hits of each target."""
    lines = done.stderr.splitlines()
    head = next(i for i, line in enumerate(lines) if line.startswith("target "))
    return {line.split()[0]: line.split() for line in lines[head + 1 :]}


def test_a_build_is_told_recorded_and_cached(run: Command, environment, tmp_path: Path):
    first = run("build", "--wait", "--json", str(tmp_path / "summary.json"))
    assert first.returncode == 0, first.stderr
    assert set(rows(first)) == {"api", "base", "web"}
    [known] = runs(environment)
    assert known["outcome"] == "succeeded"
    assert set(known["refs"]) == {"api", "base", "web"}
    kept = {path.name for path in Path(environment["BUILDINSIGHTS_HOME"], "records").glob("*/*")}
    assert runs(environment)[0]["fields"]["variant"] == "prod", "the default of the Bake variable"
    assert kept >= {"progress.rawjson", "metadata.json", "api.dockerbuild", "web.dockerbuild"}
    second = run("build")
    assert second.returncode == 0, second.stderr
    assert all("100 % of" in " ".join(cells) for cells in rows(second).values()), second.stderr
    [summed] = [
        item
        for item in json.loads((tmp_path / "summary.json").read_text())["builds"]
        if item["target"] == "api"
    ]
    assert (summed["status"], summed["cacheable"]) == ("succeeded", 2)
    assert summed["image_digest"].startswith("sha256:")


def test_a_failure_shows_the_line_the_log_and_the_class(run: Command, environment):
    failed = run("build", "broken", "--wait")
    assert failed.returncode == 1
    assert "   3 >>> RUN echo src/x.ts: error TS1 && exit 3" in failed.stderr
    assert "last it printed:\nsrc/x.ts: error TS1" in failed.stderr
    assert "[command " in failed.stderr
    [known] = runs(environment)
    assert known["outcome"] == "failed"
    assert list(known["refs"]) == ["broken"], "the record of a failed build is found too"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["build", "nope"], "There is no target nope; there are about, api, base, broken"),
        (["build", "round"], "targets need each other: about → round → about"),
        (["build", "-f", "none.hcl"], "none.hcl"),
        (["build", "x;touch hacked"], "hacked"),
        (["graph", "nope"], "There is no target nope; there are about, api, base, broken"),
        (["graph", "round"], "targets need each other: about → round → about"),
        (["build", "--platform-tags"], "give --push too"),
    ],
)
def test_wrong_usage_is_told_from_failure(
    run: Command, project: Path, arguments: list[str], words: str
):
    ended = run(*arguments)
    assert ended.returncode == 2, ended.stderr
    assert words in ended.stderr
    assert not (project / "hacked").exists()


def test_no_engine_is_told_from_failure(run: Command):
    ended = run("build", DOCKER_HOST="tcp://127.0.0.1:1")
    assert ended.returncode == 3
    assert "Cannot connect" in ended.stderr


def test_ctrl_c_ends_the_build_and_says_canceled(
    engine: str, project: Path, environment: dict[str, str]
):
    command = [sys.executable, "-m", "cli", "build", "slow", "--no-cache", "--wait"]
    process = subprocess.Popen(
        command, cwd=project, env=environment, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and "sleep 600" not in progress_of(environment):
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    [known] = runs(environment)
    assert (known["outcome"], list(known["refs"])) == ("canceled", ["slow"])


def progress_of(environment: dict[str, str]) -> str:
    found = Path(environment["BUILDINSIGHTS_HOME"]).glob("records/*/progress.rawjson")
    return "".join(path.read_text() for path in found)


def test_records_wait_for_a_server_that_is_away(run: Command, environment, plain_server: Server):
    away = {"BUILDINSIGHTS_URL": "http://127.0.0.1:1", "BUILDINSIGHTS_TOKEN": "bi_x_y"}
    first = run("build", "api", "--wait", **away)
    assert first.returncode == 0
    assert "is kept: unreachable" in first.stderr
    there = {"BUILDINSIGHTS_URL": plain_server.url, "BUILDINSIGHTS_TOKEN": plain_server.token}
    second = run("build", "web", "--wait", **there)
    assert second.returncode == 0
    assert "The record was sent." in second.stderr
    assert [known["upload_error"] for known in runs(environment)] == ["", ""]
    sent = {ref.rsplit("/", 1)[-1] for known in runs(environment) for ref in known["refs"].values()}
    assert wait_for_builds(plain_server, sent) == sent


def wait_for_builds(server: Server, refs: set[str]) -> set[str]:
    """The refs of those that the server has made builds of, in a minute at most."""
    deadline = time.monotonic() + 60
    while True:
        found = {item["buildkit_ref"] for item in newest_builds(server)} & refs
        if found == refs or time.monotonic() > deadline:
            return found
        time.sleep(1)


def newest_builds(server: Server) -> list[dict[str, Any]]:
    answer = requests.get(
        f"{server.url}/api/v1/builds/?page_size=50", headers=server.headers, timeout=30
    )
    builds: list[dict[str, Any]] = answer.json()["results"]
    return builds


def test_two_builds_at_once_in_one_directory(
    engine: str, project: Path, environment: dict[str, str]
):
    command = [sys.executable, "-m", "cli", "build", "--wait"]
    both = [
        subprocess.Popen(command, cwd=project, env=environment, stderr=subprocess.DEVNULL)
        for _ in range(2)
    ]
    assert [process.wait(timeout=120) for process in both] == [0, 0]
    known = runs(environment)
    assert [run["outcome"] for run in known] == ["succeeded", "succeeded"]
    assert not set(known[0]["refs"].values()) & set(known[1]["refs"].values())


def test_debug_opens_the_state_before_the_failed_step(run: Command):
    assert run("build", "broken").returncode == 1
    opened = run("debug", "broken", "--command", "echo inside && ls /etc/passwd")
    assert opened.returncode == 0, opened.stderr
    assert "broken.Dockerfile:3: RUN echo src/x.ts" in opened.stderr
    assert opened.stdout == "inside\n/etc/passwd\n"
    assert run("debug", "base").returncode == 2


def test_debug_in_a_terminal_opens_what_the_failed_step_left(
    run: Command, project: Path, environment: dict[str, str]
):
    if not debugger.is_there():
        pytest.skip("this buildx has no debugger")
    (project / "broken.Dockerfile").write_text(f"FROM {BASE}\nRUN echo half > /half && exit 3\n")
    assert run("build", "broken").returncode == 1
    terminal, other_end = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", "debug", "broken"],
        cwd=project,
        env=environment,
        stdin=other_end,
        stdout=other_end,
        stderr=other_end,
        start_new_session=True,
    )
    os.close(other_end)
    try:
        read_until(terminal, b"# ")
        os.write(terminal, b"sed s/^/found:/ /half\n")
        assert b"found:half" in read_until(terminal, b"found:half")
        os.write(terminal, b"exit\n")
        read_until(terminal, b"(buildx)")
        os.write(terminal, b"exit\n")
        assert process.wait(timeout=60) == 1, "the exit code is that of the build"
    finally:
        process.kill()
        os.close(terminal)


def read_until(terminal: int, words: bytes, seconds: float = 60) -> bytes:
    """What a terminal shows up to some words."""
    seen = b""
    deadline = time.monotonic() + seconds
    while words not in seen:
        ready, _, _ = select.select([terminal], [], [], max(0, deadline - time.monotonic()))
        assert ready, f"{words!r} did not come after {seen!r}"
        seen += os.read(terminal, 65536)
    return seen


def test_few_at_once_are_built_in_the_order_of_needs(run: Command, environment, tmp_path: Path):
    file = tmp_path / "summary.json"
    ended = run("build", "--max-parallel", "1", "--wait", "--json", str(file))
    assert ended.returncode == 0, ended.stderr
    assert {known["command"][-1] for known in runs(environment)} == {"api", "web"}
    built = [item["target"] for item in json.loads(file.read_text())["builds"]]
    assert built == ["api", "base", "base", "web"], "each run of Bake tells its own targets"


def test_each_step_says_whether_it_was_cached(run: Command, project: Path):
    assert run("build", "api").returncode == 0
    (project / "api.txt").write_text("changed\n")
    lines = run("build", "api", "--verbose-cache").stderr.splitlines()
    assert "  cached  [1/1] COPY base.txt /base.txt" in lines
    assert any(line.startswith("  FIRST ") and "COPY api.txt" in line for line in lines), lines


def test_a_full_disk_costs_the_record_and_not_the_build(run: Command, tmp_path: Path):
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(small)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small file system")
    try:
        (small / "filler").write_bytes(b"x" * 8192)
        ended = run("build", BUILDINSIGHTS_HOME=str(small))
    finally:
        subprocess.run(["umount", "--lazy", str(small)], check=True)
    assert ended.returncode == 0, ended.stderr
    assert "No record is kept of this build" in ended.stderr
    assert set(rows(ended)) == {"api", "base", "web"}


def test_a_push_to_no_registry_fails_with_a_class(run: Command):
    ended = run("build", "api", "--push", "--set", "api.tags=127.0.0.1:9/shop/api:1", "--wait")
    assert ended.returncode == 1
    assert "127.0.0.1:9" in ended.stderr
    assert "connection refused" in ended.stderr


COMPOSE = """
services:
  front:
    build: { context: front, args: { GREETING: hello } }
    ports: ["8080:80"]
  worker:
    build: ./worker
  cache:
    image: redis:7
"""


def test_a_compose_project_builds_unchanged(run: Command, tmp_path: Path, environment):
    folder = tmp_path / "compose"
    for name in ("front", "worker"):
        (folder / name).mkdir(parents=True)
        (folder / name / "Dockerfile").write_text(
            f"FROM {BASE}\nARG GREETING=none\nRUN echo $GREETING > /{name}\n"
        )
    (folder / "compose.yaml").write_text(COMPOSE)
    call = [sys.executable, "-m", "cli", "build", "--wait"]
    ended = subprocess.run(
        call, cwd=folder, env=environment, capture_output=True, text=True, timeout=180, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert set(rows(ended)) == {"front", "worker"}


def test_init_makes_a_project_buildable(run: Command, project: Path):
    (project / "docker-bake.hcl").rename(project / "kept.hcl")
    (project / "package.json").write_text('{"main": "src/x.js", "scripts": {"test": "node"}}')
    ended = run("init", ".", "--name", "mine")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[:5] == [
        "written  Dockerfile",
        "written  .dockerignore",
        "written  docker-bake.hcl",
        "missing  package-lock.json: npm install",
        'missing  package.json: a script "dev"',
    ]
    assert "mine" in run("graph", "mine").stdout
    (project / "Dockerfile").write_text("FROM scratch\n")
    again = run("init", ".", "--name", "mine").stdout.splitlines()
    assert again[:3] == [
        "kept     Dockerfile",
        "same     .dockerignore",
        "same     docker-bake.hcl",
    ]
    assert run("init", ".", "--name", "../x").returncode == 2


def test_each_platform_is_tagged_beside_the_index(run: Command):
    repository = f"cli-test/{os.getpid()}"
    ended = run(
        *("build", "api", "--wait", "--push", "--platform-tags"),
        *("--platform", "linux/amd64,linux/arm64"),
        *("--set", f"api.tags=localhost:5000/{repository}:1"),
    )
    assert ended.returncode == 0, ended.stderr
    listed = requests.get(f"http://localhost:5000/v2/{repository}/tags/list", timeout=10).json()
    assert sorted(listed["tags"]) == ["1", "1-amd64", "1-arm64"]
    one = ["docker", "buildx", "imagetools", "inspect", "--format", "{{json .Manifest}}"]
    tag = f"localhost:5000/{repository}:1-arm64"
    shown = subprocess.run([*one, tag], capture_output=True, text=True, check=True).stdout
    platforms = [item["platform"]["architecture"] for item in json.loads(shown)["manifests"]]
    assert "arm64" in platforms
    assert "amd64" not in platforms
