"""The reference services: built for real, run hardened, reloaded while they run."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.system.conftest import ROOT

pytestmark = pytest.mark.engine

REGISTRY = "localhost:5000"
BASES = {
    "NODE_IMAGE": f"{REGISTRY}/library/node:22-bookworm-slim",
    "PYTHON_IMAGE": f"{REGISTRY}/library/python:3.11-slim-bookworm",
    "NGINX_IMAGE": f"{REGISTRY}/library/nginx:stable",
}
PORTS = {"api": 3000, "web": 8080, "ai": 8000}
HEALTHY_SECONDS = 60


def docker(*arguments: str) -> str:
    done = subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def build(home: Path, *arguments: str, **variables: str) -> list[dict[str, Any]]:
    """Build with the command; return the rows of its summary."""
    summary = home / "summary.json"
    done = subprocess.run(
        [sys.executable, "-m", "cli", "build", "--json", str(summary), *arguments],
        cwd=ROOT,
        env=os.environ | BASES | {"BUILDINSIGHTS_HOME": str(home), "TAG": "test"} | variables,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    rows: list[dict[str, Any]] = json.loads(summary.read_text())["builds"]
    return rows


@pytest.fixture(scope="module")
def home(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where records are kept; skipped where builds cannot fetch packages."""
    reach = ["docker", "run", "--rm", BASES["NODE_IMAGE"], "npm", "view", "react", "name"]
    if subprocess.run(reach, capture_output=True, timeout=120, check=False).returncode:
        pytest.skip("containers on this machine reach no package registry")
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def prod(home: Path) -> None:
    build(home, "--load")


class Container:
    """A container that is removed at the end."""

    def __init__(self, image: str, *options: str) -> None:
        self.id = docker("run", "--detach", "--publish-all", *options, image)

    def wait_until_healthy(self) -> None:
        deadline = time.monotonic() + HEALTHY_SECONDS
        state = ""
        while state != "healthy" and time.monotonic() < deadline:
            time.sleep(0.5)
            state = docker("inspect", "--format", "{{.State.Health.Status}}", self.id)
        assert state == "healthy", docker("logs", self.id)

    def url(self, port: int) -> str:
        return "http://" + docker("port", self.id, str(port)).splitlines()[0]

    def remove(self) -> None:
        docker("rm", "--force", "--volumes", self.id)


HARDENED = (
    "--read-only",
    "--tmpfs=/tmp",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
)


@pytest.fixture
def run() -> Iterator[Any]:
    containers: list[Container] = []

    def start(service: str, variant: str, *options: str) -> Container:
        container = Container(f"{REGISTRY}/shop/{service}:test-{variant}", *options)
        containers.append(container)
        container.wait_until_healthy()
        return container

    yield start
    for container in containers:
        container.remove()


@pytest.mark.parametrize("service", list(PORTS))
def test_prod_runs_hardened_and_healthy(prod: None, run: Any, service: str):
    container = run(service, "prod", *HARDENED)
    assert docker("exec", container.id, "id", "-u") != "0"
    answer = requests.get(f"{container.url(PORTS[service])}/healthz", timeout=10)
    assert answer.status_code == 200
    labels = json.loads(docker("inspect", "--format", "{{json .Config.Labels}}", container.id))
    assert labels["org.opencontainers.image.title"] == service


def test_web_serves_what_was_compressed_before(prod: None, run: Any):
    url = run("web", "prod", *HARDENED).url(PORTS["web"])
    page = requests.get(url, headers={"Accept-Encoding": "identity"}, timeout=10)
    assert page.headers["Cache-Control"] == "no-cache"
    [script] = re.findall(r'src="(/assets/[^"]+\.js)"', page.text)
    plain = requests.get(url + script, headers={"Accept-Encoding": "identity"}, timeout=10)
    sizes = {"": len(plain.content)}
    for encoding in ("gzip", "br"):
        answer = requests.get(
            url + script, headers={"Accept-Encoding": encoding}, timeout=10, stream=True
        )
        assert answer.headers["Content-Encoding"] == encoding
        assert answer.headers["Content-Type"] == "text/javascript"
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        sizes[encoding] = len(answer.raw.read(decode_content=False))
    assert sizes["br"] < sizes["gzip"] < sizes[""] / 2
    assert requests.get(f"{url}/assets/none.js", timeout=10).status_code == 404
    assert requests.get(f"{url}/a/route", timeout=10).text == page.text


def test_the_second_build_runs_nothing_again(prod: None, home: Path):
    rows = build(home, "--load")
    assert {row["target"] for row in rows} == {"api", "web", "ai", "shared"}
    assert [row for row in rows if row["hits"] != row["cacheable"]] == []


@pytest.mark.parametrize("variant", ["dev", "prod"])
def test_the_suites_pass_in_each_variant(home: Path, variant: str):
    rows = build(home, "test", "--variant", variant)
    assert {row["target"] for row in rows} == {"api-test", "web-test", "ai-test", "shared"}
    assert {row["status"] for row in rows} == {"succeeded"}


RELOADED = {
    "api": ("/app/src/app.js", "Kettle", "Cauldron", 3000, "/products"),
    "web": ("/app/src/App.jsx", "<h1>Shop<", "<h1>Store<", 8080, "/src/App.jsx"),
    "ai": ("/app/app/main.py", '"status": "ok"', '"status": "new"', 8000, "/healthz"),
}
"""File, what is replaced by what in it, and where the change shows."""

SHOWN = {"api": "Cauldron", "web": '"Store"', "ai": '"status":"new"'}


def test_dev_reloads_what_changes(home: Path, run: Any):
    build(home, "--load", "--variant", "dev")
    for service, (file, old, new, port, path) in RELOADED.items():
        container = run(service, "dev")
        url = container.url(port) + path
        docker("exec", container.id, "sed", "-i", f"s#{old}#{new}#", file)
        assert eventually(url, SHOWN[service]), docker("logs", container.id)


def eventually(url: str, text: str) -> bool:
    """Whether an address comes to answer with a text within half a minute."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            answer = requests.get(url, timeout=5).text
        except requests.RequestException:
            answer = ""
        if text in answer:
            return True
        time.sleep(0.5)
    return False


def test_the_variants_have_not_drifted(home: Path):
    command = [sys.executable, "-m", "cli", "variants"]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | BASES, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "pypi only in dev: debugpy" in done.stdout
    assert "buildinsights-variant" not in docker("image", "ls")


DISTROLESS = f"""
FROM {BASES["NODE_IMAGE"]} AS node
RUN mkdir -p /rootfs/nodejs/bin /rootfs/tmp && cp /usr/local/bin/node /rootfs/nodejs/bin/ \
    && ldd /usr/local/bin/node | grep -o '/lib[^ ]*' | xargs -I @ cp --parents -L @ /rootfs
FROM scratch
COPY --from=node /rootfs /
ENV PATH=/usr/local/bin:/usr/bin:/bin
"""


def test_a_runtime_without_a_shell_will_do(home: Path, run: Any):
    image = f"{REGISTRY}/library/without-a-shell:test"
    subprocess.run(
        ["docker", "buildx", "build", "--push", f"--tag={image}", "-"],
        input=DISTROLESS,
        text=True,
        capture_output=True,
        check=True,
    )
    build(
        home,
        "api",
        "--load",
        "--set=api.tags=localhost:5000/shop/api:bare-prod",
        NODE_RUNTIME_IMAGE=image,
    )
    build(home, "api-test", NODE_RUNTIME_IMAGE=image)
    docker("tag", f"{REGISTRY}/shop/api:bare-prod", f"{REGISTRY}/shop/bare:test-prod")
    container = run("bare", "prod", *HARDENED)
    answer = requests.get(f"{container.url(3000)}/healthz", timeout=10)
    assert answer.json()["status"] == "ok"


def test_cuda_is_left_out_without_a_gpu(home: Path):
    rows = build(home, "ai", CUDA_IMAGE="localhost:9/no/such:image")
    assert {row["status"] for row in rows} == {"succeeded"}
    plan = json.loads(
        subprocess.run(
            ["docker", "buildx", "bake", "--print", "ai"],
            cwd=ROOT,
            env=os.environ | BASES | {"ACCELERATOR": "cuda"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    )
    assert plan["target"]["ai"]["args"]["ACCELERATOR"] == "cuda"


def test_lock_files_name_no_registry():
    for path in (ROOT / "services").rglob("package-lock.json"):
        assert '"resolved"' not in path.read_text(), path
    requirements = (ROOT / "services/ai/requirements.txt").read_text()
    assert "--hash=sha256:" in requirements
    assert not re.search(r"^--|https?://", requirements, re.MULTILINE)
