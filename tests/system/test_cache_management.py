"""Cache management on a real engine and a registry of its own that asks for a password."""

import base64
import json
import os
import subprocess
import sys
import uuid
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from buildkit.caching.pruning import plan
from buildkit.registry import Credentials, Reference, Registry
from cli.cache.entries import remove, usage
from tests.own_registry import PASSWORD, USER, OwnRegistry, own_registry
from tests.system.conftest import ROOT

pytestmark = pytest.mark.engine

BUSYBOX = "localhost:5000/library/busybox:1"
PYTHON = "localhost:5000/library/python:3.11-slim-bookworm"

BAKE = """
target "lib" {{
  dockerfile = "lib.Dockerfile"
  {caches}
}}
target "app" {{
  dockerfile = "app.Dockerfile"
  contexts = {{ base = "target:lib" }}
}}
target "api" {{
  dockerfile = "api.Dockerfile"
  {caches}
}}
"""
CACHES = """
  cache-from = ["type=registry,ref={ref}"]
  cache-to = ["type=registry,ref={ref},mode=max"]
  output = ["type=cacheonly"]
"""


def manifest_of(registry: OwnRegistry, name: str) -> dict[str, Any]:
    """The manifest of a reference."""
    found = Registry(registry.host, Credentials(USER, PASSWORD)).manifest(Reference.parse(name))
    return found.document


@dataclass
class Project:
    """A project with a Bake file, and the command in it with a state directory of its own."""

    folder: Path
    home: Path
    ref: str
    environment: dict[str, str]

    def write(self, path: str, text: str) -> None:
        (self.folder / path).write_text(text)

    def run(self, *arguments: str, code: int | None = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "cli", *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert code is None or done.returncode == code, done.stdout + done.stderr
        return done

    def runs(self) -> list[dict[str, Any]]:
        """What is known of the runs, oldest first."""
        known = [json.loads(path.read_text()) for path in self.home.glob("records/*/run.json")]
        return sorted(known, key=lambda run: run["started_at"])

    def journal(self) -> list[dict[str, Any]]:
        lines = (self.home / "cache-journal.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def registry(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRegistry]:
    with own_registry(tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.fixture
def project(registry: OwnRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    folder, home, docker = tmp_path / "shop", tmp_path / "home", tmp_path / "docker"
    folder.mkdir()
    docker.mkdir()
    secret = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    (docker / "config.json").write_text(json.dumps({"auths": {registry.host: {"auth": secret}}}))
    unset = ("BUILDINSIGHTS_", "GITHUB_", "CI")
    known = {name: value for name, value in os.environ.items() if not name.startswith(unset)}
    own = {
        "PYTHONPATH": str(ROOT),
        "BUILDINSIGHTS_HOME": str(home),
        "DOCKER_CONFIG": str(docker),
    }
    ref = f"{registry.host}/shop-{uuid.uuid4().hex[:8]}/cache:main"
    made = Project(folder, home, ref, known | own)
    made.write("docker-bake.hcl", BAKE.format(caches=CACHES.format(ref=ref)))
    return made


def steps(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """Of ``--verbose-cache``: what became of each step, by the last word of its instruction."""
    words = (line.split() for line in done.stderr.splitlines() if line.startswith("  "))
    return {line[-1]: line[0] for line in words if line and line[0] in {"cached", "ran", "FIRST"}}


def test_targets_are_warmed_in_order_and_their_steps_invalidated(
    project: Project, registry: OwnRegistry
):
    project.write("word", project.ref)
    project.write("lib.Dockerfile", "FROM scratch\nCOPY word /first\nCOPY word /second\n")
    project.write("app.Dockerfile", "FROM base\nCOPY word /app\n")
    warmed = project.run("cache", "warm", "app", "--wait")
    assert warmed.stdout.splitlines()[:2] == ["1. lib", "2. app"]
    assert [run["fields"]["trigger"] for run in project.runs()] == ["warm", "warm"]
    assert [run["command"][-1] for run in project.runs()] == ["lib", "app"]
    assert manifest_of(registry, project.ref)["layers"], "its cache was exported"

    call = ("cache", "invalidate", "lib", "--from-step", "/second", "--json")
    planned = json.loads(project.run(*call, "--dry-run").stdout)
    words = [entry["description"].partition("] ")[2] for entry in planned["plan"]]
    assert words == ["COPY word /app", "COPY word /second"]
    assert (planned["removed"], planned["unmapped"]) == ([], [])
    done = json.loads(project.run(*call).stdout)
    assert done["removed"] == [entry["id"] for entry in planned["plan"]]

    kept = ("--set=*.cache-from=", "--verbose-cache", "--wait")
    built = steps(project.run("build", "lib", *kept))
    assert built == {"/first": "cached", "/second": "FIRST"}
    noted = [(item["action"], item["dry_run"]) for item in project.journal()]
    assert noted == [("warm", False), ("invalidate", True), ("invalidate", False)]


def test_steps_that_installed_a_package_below_a_version_are_invalidated(project: Project):
    name, folder = "demo_lib-1.2.0-py3-none-any.whl", "demo_lib-1.2.0.dist-info"
    with zipfile.ZipFile(project.folder / name, "w") as archive:
        archive.writestr("demo_lib.py", f"UNIQUE = {project.ref!r}\n")
        archive.writestr(
            f"{folder}/METADATA", "Metadata-Version: 2.1\nName: demo-lib\nVersion: 1.2.0\n"
        )
        archive.writestr(
            f"{folder}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{folder}/RECORD", "")
    project.write(
        "lib.Dockerfile",
        f"FROM {PYTHON}\nCOPY {name} /wheels/\nRUN pip install --no-index /wheels/{name}\n",
    )
    project.run("build", "lib", "--wait")

    package = ("--package", "Demo_Lib", "--ecosystem", "pypi", "--below")
    call = ("cache", "invalidate", "lib", "--json", *package)
    nothing = json.loads(project.run(*call, "1.2.0", "--dry-run").stdout)
    assert (nothing["plan"], nothing["registry"]) == ([], []), "1.2.0 is not below itself"
    done = json.loads(project.run(*call, "1.3").stdout)
    [entry] = done["plan"]
    assert "pip install" in entry["description"]
    assert done["removed"] == [entry["id"]]
    [cut] = done["registry"]
    assert (cut["reference"], len(cut["layers"]), cut["unread"]) == (project.ref, 1, [])
    assert (
        f"demo-lib 1.2.0 (usr/local/lib/python3.11/dist-packages/{folder}/METADATA)"
        in (cut["reasons"][0])
    )
    [told] = done["registry_outcome"]
    assert told.startswith(f"{project.ref}: 1 of ")

    project.run("cache", "verify", "--deep", project.ref)
    built = steps(project.run("build", "lib", "--verbose-cache", "--set=*.cache-to=", "--wait"))
    assert built == {"/wheels/": "cached", f"/wheels/{name}": "FIRST"}


def write_api(project: Project, last: str) -> None:
    project.write(
        "api.Dockerfile",
        f"FROM {BUSYBOX}\nCOPY data.bin /data.bin\nRUN wc -c /data.bin > /count\nRUN echo {last}\n",
    )


@pytest.mark.parametrize("damage", ["missing", "corrupt"])
def test_a_broken_blob_fails_no_build_and_is_mended_by_a_rebuild(
    project: Project, registry: OwnRegistry, damage: str
):
    (project.folder / "data.bin").write_bytes(os.urandom(300_000))
    write_api(project, "first")
    project.run("build", "api", "--wait")
    [layer] = [
        item for item in manifest_of(registry, project.ref)["layers"] if 3e5 < item["size"] < 4e5
    ]
    blob = registry.blob_file(layer["digest"])
    content = bytearray(blob.read_bytes())
    if damage == "missing":
        blob.unlink()
    else:
        content[1000:1100] = bytes(100)
        blob.write_bytes(content)
    project.run("cache", "invalidate", "api", "--builder-only")

    write_api(project, "second")
    kept = ("--set=*.cache-to=", "--wait")
    first = project.run("build", "api", *kept)
    assert f"The cache failed this build: {project.ref}" in first.stderr
    assert [run["outcome"] for run in project.runs()] == ["succeeded", "failed", "succeeded"]
    [known] = json.loads((project.home / "quarantine.json").read_text())
    assert known["reference"] == project.ref
    assert layer["digest"] in known["reason"]

    write_api(project, "third")
    second = project.run("build", "api", *kept)
    assert (
        f"Not importing {project.ref}: in quarantine since {known['since'][:19]}Z" in second.stderr
    )
    assert len(project.runs()) == 4, "built at once"

    rebuilt = project.run("cache", "rebuild", "api", "--wait")
    assert f"verified: {project.ref}" in rebuilt.stderr
    assert ("zstd" in rebuilt.stderr) is (damage == "corrupt"), rebuilt.stderr
    assert json.loads((project.home / "quarantine.json").read_text()) == []
    project.run("cache", "invalidate", "api", "--builder-only")
    third = project.run("build", "api", "--verbose-cache", *kept)
    assert steps(third) == {"/data.bin": "cached", "/count": "cached", "third": "cached"}


def test_what_is_pruned_is_what_was_planned(engine: str, tmp_path: Path):
    unique = uuid.uuid4().hex
    build = steps_on_scratch(tmp_path, unique)
    build("one", "two")
    own = [entry for entry in usage().entries if unique in entry.description]
    assert len(own) == 2
    later = datetime.now(UTC) + timedelta(days=40)
    made = plan(own, now=later, older_than=timedelta(days=30), worth={})
    leaf, below = (item.entry for item in made.going)
    assert leaf.parents == (below.id,)

    done = remove([item.entry for item in made.going])
    assert [entry.id for entry in done.gone] == [item.entry.id for item in made.going]
    assert not done.kept
    left = {entry.id for entry in usage().entries}
    assert not left & {entry.id for entry in own}


def test_an_entry_that_something_new_stands_on_is_kept(engine: str, tmp_path: Path):
    unique = uuid.uuid4().hex
    build = steps_on_scratch(tmp_path, unique)
    build("one", "two")
    planned = [entry for entry in usage().entries if unique in entry.description]
    build("one", "two", "three")
    done = remove(planned)
    assert done.gone == ()
    assert {entry.id for entry in done.kept} == {entry.id for entry in planned}


def steps_on_scratch(folder: Path, unique: str) -> Callable[..., None]:
    """Return what builds a chain of steps that are told by a word."""
    (folder / "file").write_text(unique)

    def build(*names: str) -> None:
        lines = ["FROM scratch", *(f"COPY file /{name}-{unique}" for name in names)]
        (folder / "Dockerfile").write_text("\n".join(lines) + "\n")
        command = ["docker", "buildx", "build", "--quiet", "--output=type=cacheonly", str(folder)]
        subprocess.run(command, check=True, capture_output=True)

    return build
