"""The command against plain Bake, the blueprints against single-stage Dockerfiles, on an engine.

Base images come from the environment (NODE_IMAGE, PYTHON_IMAGE, NGINX_IMAGE), as Bake reads them.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.report import report, seconds

ROOT = Path(__file__).resolve().parents[1]
NAIVE = ROOT / "bench" / "naive"
ROUNDS = 9
REBUILDS = 5
TARGET_TIME, TARGET_MEMORY = 1.15, 80e6
TARGET_SIZE, TARGET_REBUILD = 2.0, 5.0
COLLECTED_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Service:
    """A reference service, the file of it that is edited, and its single-stage rival."""

    name: str
    source: str
    comment: str
    rival: str
    base: str


SERVICES = (
    Service("api", "src/app.js", "//", "node", "NODE_IMAGE"),
    Service("web", "src/App.jsx", "//", "node", "NODE_IMAGE"),
    Service("ai", "app/main.py", "#", "python", "PYTHON_IMAGE"),
)


def engine_answers() -> bool:
    """Tell whether there is an engine to measure with."""
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0


def run() -> None:
    """Run all; the images are built once before anything is measured."""
    with tempfile.TemporaryDirectory() as folder:
        _overhead(Path(folder))
        for service in SERVICES:
            _image(service, Path(folder) / service.name)


def _overhead(folder: Path) -> None:
    """Measure both in turn, fully cached; each waits until the last run's collector has ended."""
    home = folder / "home"
    bake = ["docker", "buildx", "bake", "--progress=rawjson", f"--metadata-file={folder}/metadata"]
    command = [sys.executable, "-m", "cli", "build"]
    environment = os.environ | {"BUILDINSIGHTS_HOME": str(home)}
    environment.pop("CI", None)
    _call(bake, environment)
    pairs = []
    peak = 0
    for _ in range(ROUNDS):
        floor = seconds(lambda: _call(bake, environment))
        begun = time.perf_counter()
        bytes_used = _call(command, environment)
        pairs.append((time.perf_counter() - begun, floor))
        peak = max(peak, bytes_used)
        _wait_for_collector(home)
    value, floor = (median(pair[side] for pair in pairs) for side in (0, 1))
    target = f"<= {TARGET_TIME}"
    ok = value / floor <= TARGET_TIME
    report("wrapper", value=value, floor=floor, unit="s", target=target, ok=ok, services=3)
    target = f"<= {TARGET_MEMORY:.0f} bytes"
    ok = peak <= TARGET_MEMORY
    report("wrapper_memory", value=peak, floor=TARGET_MEMORY, unit="bytes", target=target, ok=ok)


def _wait_for_collector(home: Path) -> None:
    deadline = time.monotonic() + COLLECTED_SECONDS
    while time.monotonic() < deadline:
        runs = [json.loads(path.read_text()) for path in home.rglob("run.json")]
        if all(run["collected"] for run in runs):
            return
        time.sleep(0.1)


def _image(service: Service, folder: Path) -> None:
    """Compare size, and the time after a change of one line, with the single-stage image."""
    ours, rival = folder / "ours", folder / "rival"
    for context in (ours, rival):
        shutil.copytree(ROOT / "services" / service.name, context)
    shutil.copytree(ROOT / "services" / "shared", rival / "shared")
    commands = {
        "ours": _bake(service, ours, folder),
        "slim": _naive(service, rival, "slim", os.environ.get(service.base)),
        "rival": _naive(service, rival, "rival", _full(service)),
    }
    for command in commands.values():
        _call(command, os.environ)
    sizes = {name: _size(_tag(service, name)) for name in commands}
    pairs = []
    for number in range(REBUILDS):
        for context in (ours, rival):
            with (context / service.source).open("a") as file:
                file.write(f"{service.comment} {number} {time.time_ns()}\n")
        pairs.append(
            (
                seconds(lambda: _call(commands["rival"], os.environ)),
                seconds(lambda: _call(commands["ours"], os.environ)),
            )
        )
    rival_seconds, our_seconds = (median(pair[side] for pair in pairs) for side in (0, 1))
    report(
        f"image_{service.name}",
        value=sizes["rival"],
        floor=sizes["ours"],
        unit="bytes, compressed",
        target=f">= {TARGET_SIZE}",
        ok=sizes["rival"] / sizes["ours"] >= TARGET_SIZE,
        ratio_on_slim=round(sizes["slim"] / sizes["ours"], 3),
    )
    report(
        f"rebuild_{service.name}",
        value=rival_seconds,
        floor=our_seconds,
        unit="s",
        target=f">= {TARGET_REBUILD}",
        ok=rival_seconds / our_seconds >= TARGET_REBUILD,
    )


def _bake(service: Service, context: Path, folder: Path) -> list[str]:
    """Return the command that builds a service by the Bake file, from a copy of its sources."""
    plan = json.loads(_output(["docker", "buildx", "bake", "--print", service.name]))
    target = plan["target"][service.name]
    settings = {
        "context": context,
        "dockerfile": (ROOT / target["context"] / target["dockerfile"]).resolve(),
        "tags": _tag(service, "ours"),
        "output": "type=docker",
    }
    overrides = [f"--set={service.name}.{key}={value}" for key, value in settings.items()]
    return ["docker", "buildx", "bake", f"--allow=fs.read={folder}", *overrides, service.name]


def _naive(service: Service, context: Path, name: str, base: str | None) -> list[str]:
    """Return the command that builds the single-stage image; without a base on the official one."""
    arguments = [f"--build-arg={service.base}={base}"] if base else []
    dockerfile = f"--file={NAIVE / service.rival}.Dockerfile"
    tag = f"--tag={_tag(service, name)}"
    return ["docker", "buildx", "build", dockerfile, *arguments, tag, "--load", str(context)]


def _full(service: Service) -> str | None:
    """Make a full base of the slim one that is given; without one the official full one is used."""
    slim = os.environ.get(service.base)
    if slim is None:
        return None
    tag = f"bench-full:{service.rival}"
    dockerfile = f"--file={NAIVE / 'full'}.Dockerfile"
    build = ["docker", "buildx", "build", dockerfile, f"--build-arg=BASE={slim}", f"--tag={tag}"]
    _call([*build, "--load", str(NAIVE)], os.environ)
    return tag


def _tag(service: Service, name: str) -> str:
    return f"bench-{service.name}:{name}"


def _size(tag: str) -> int:
    return int(_output(["docker", "image", "inspect", "--format", "{{.Size}}", tag]))


def _output(command: list[str]) -> str:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def _call(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command; return the peak memory of its largest process in bytes."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(said.decode(errors="replace")[-2000:])
    return usage.ru_maxrss * 1024
