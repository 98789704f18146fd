"""Layer advice on a real engine: given by records, applied by Git, and seen in the next builds."""

import json
import os
import subprocess
import sys
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.system.conftest import ROOT

pytestmark = pytest.mark.engine

NODE = "localhost:5000/library/node:22-bookworm-slim"

BAKE = """\
target "api" {
  attest = ["type=provenance,mode=max"]
  output = ["type=cacheonly"]
}
"""

INSTALL = """\
FROM {base}
ENV UNIQUE={unique}
WORKDIR /app
COPY . .
RUN npm ci
RUN node index.js
"""

ARGUMENT = """\
FROM {base}
ENV UNIQUE={unique}
WORKDIR /app
# The version that is shown.
ARG VERSION=1
ENV VERSION=$VERSION
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
RUN node index.js && echo $VERSION > version
"""

LOCK = {"name": "api", "version": "1.0.0", "lockfileVersion": 3, "requires": True}


@dataclass
class Project:
    """A project in a directory, built and advised by the command."""

    folder: Path
    home: Path
    unique: str = field(default_factory=lambda: uuid.uuid4().hex[:12])

    def __post_init__(self) -> None:
        self.folder.mkdir()
        package = {"name": "api", "version": "1.0.0"}
        self.write("docker-bake.hcl", BAKE)
        self.write(".dockerignore", "docker-bake.hcl\nDockerfile*\n.dockerignore\n")
        self.write("package.json", json.dumps(package))
        self.write("package-lock.json", json.dumps({**LOCK, "packages": {"": package}}))
        self.write("index.js", f"// {self.unique}\n")

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def run(self, *arguments: str) -> str:
        known = {name: value for name, value in os.environ.items() if name != "CI"}
        own = {"BUILDINSIGHTS_HOME": str(self.home), "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-m", "cli", *arguments],
            cwd=self.folder,
            env=known | own,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def build(self, *options: str) -> None:
        self.run("build", "--wait", "--plain", *options, "api")

    def advice(self) -> dict[str, Any]:
        [told] = json.loads(self.run("advise", "--json"))
        found: dict[str, Any] = told
        return found

    def states(self) -> dict[str, str]:
        """What ran in the last build, by the first words of its instruction."""
        [told] = json.loads(self.run("explain", "--json"))
        return {step["name"].partition("] ")[2]: step["cause"] for step in told["steps"]}


@pytest.fixture
def project(engine: str, tmp_path: Path) -> Project:
    return Project(tmp_path / "api", tmp_path / "home")


def test_an_install_comes_from_the_cache_once_its_advice_is_applied(project: Project):
    project.write("Dockerfile", INSTALL.format(base=NODE, unique=project.unique))
    project.build()
    project.write("index.js", f"// other {project.unique}\n")
    project.build()
    assert project.states()["RUN npm ci"] == "parent"
    [advice] = [item for item in project.advice()["advice"] if item["kind"] == "install"]
    assert advice["builds"] == 1
    assert advice["seconds_a_week"] > 0
    subprocess.run(
        ["git", "apply", "-"], cwd=project.folder, input=advice["diff"], text=True, check=True
    )
    project.build()
    project.write("index.js", f"// another {project.unique}\n")
    project.build()
    ran = project.states()
    assert "RUN npm ci" not in ran
    assert ran["COPY . ."] == "files"
    told = project.advice()
    assert not [item for item in told["advice"] if item["kind"] == "install"]
    [followed] = [item for item in told["applied"] if item["kind"] == "install"]
    assert (len(followed["before"]), len(followed["after"])) == (2, 2)
    assert followed["after"][-1] == 0


def test_steps_come_from_the_cache_once_an_argument_stands_below_them(project: Project):
    project.write("Dockerfile", ARGUMENT.format(base=NODE, unique=project.unique))
    project.build("--set=*.args.VERSION=1")
    project.build("--set=*.args.VERSION=2")
    assert {"RUN npm ci", "COPY . ."} < project.states().keys()
    [advice] = [item for item in project.advice()["advice"] if item["kind"] == "argument"]
    assert "COPY . ." in advice["steps"]
    subprocess.run(
        ["git", "apply", "-"], cwd=project.folder, input=advice["diff"], text=True, check=True
    )
    text = (project.folder / "Dockerfile").read_text()
    assert text.index("COPY . .") < text.index("# The version") < text.index("ARG VERSION")
    assert text.index("ARG VERSION") < text.index("ENV VERSION") < text.index("RUN node")
    project.build("--set=*.args.VERSION=3")
    project.build("--set=*.args.VERSION=4")
    ran = project.states()
    assert [name for name in ran if name.startswith(("RUN", "COPY"))] == [
        "RUN node index.js && echo 4 > version"
    ]
    told = project.advice()
    assert not [item for item in told["advice"] if item["kind"] == "argument"]
    assert [item["kind"] for item in told["applied"]] == ["argument"]
