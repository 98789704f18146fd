"""Pairs of real builds, each with one known reason why steps of the second one ran."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from buildkit.explaining import Cause

ROOT = Path(__file__).resolve().parents[2]
REGISTRY = "localhost:5000"
BASE = f"{REGISTRY}/library/busybox:1"
START_SECONDS = 60
HELD_SECONDS = 30

BAKE = """\
target "api" {
  attest = ["type=provenance,mode=max"]
  output = ["type=cacheonly"]
}
"""

ALONE = "FROM scratch\nCOPY src/ /src/\n"

ANY_PLATFORM = f"""\
FROM --platform=linux/amd64 {BASE} AS tools
FROM scratch
COPY --from=tools /bin /bin
COPY src/ /src/
RUN ["/bin/busybox", "cat", "/src/a.txt"]
"""
"""Runs on each platform what was made for one: no base of another is needed."""

DOCKERFILE = """\
ARG BASE={base}
FROM ${{BASE}} AS deps
COPY package.json /app/
RUN echo install {unique}
FROM deps AS build
ARG VERSION=1
WORKDIR /app
COPY src/ src/
RUN echo compile $VERSION && cat src/* > out
FROM ${{BASE}} AS final
COPY --from=build /app/out /out
RUN echo last {unique}
"""


def entries_of(word: str) -> list[str]:
    """Return the ids of the builder's entries whose description has a word."""
    command = ["docker", "buildx", "du", "--format=json"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    entries = [json.loads(line) for line in listed.splitlines()]
    return [entry["ID"] for entry in entries if word in entry["Description"]]


def prune_entry(identifier: str, word: str) -> None:
    """Remove an entry, of which ``entries_of`` the word are looked at, from the builder's cache.

    What a build has just used is held for a moment longer, and not removed.
    """
    prune = ["docker", "buildx", "prune", "--all", "--force", f"--filter=id={identifier}"]
    deadline = monotonic() + HELD_SECONDS
    while identifier in entries_of(word):
        assert monotonic() < deadline, f"the builder still holds {identifier}"
        subprocess.run(prune, check=True, capture_output=True)


@dataclass
class Project:
    """A project in a directory of its own, with a base image of its own, built by the command."""

    folder: Path
    home: Path
    unique: str = field(default_factory=lambda: uuid.uuid4().hex[:12])

    def __post_init__(self) -> None:
        (self.folder / "src").mkdir(parents=True)
        self.rebase("first")
        self.write("docker-bake.hcl", BAKE)
        self.write("Dockerfile", DOCKERFILE.format(base=self.base, unique=self.unique))
        self.write(".dockerignore", "*.md\n")
        self.write("package.json", "{}\n")
        self.write("src/a.txt", f"{self.unique}\n")
        self.write("src/b.txt", "b\n")

    @property
    def base(self) -> str:
        return f"{REGISTRY}/causes/{self.unique}:1"

    def write(self, path: str, text: str) -> None:
        (self.folder / path).write_text(text)

    def edit(self, path: str, old: str, new: str) -> None:
        text = (self.folder / path).read_text()
        assert old in text
        self.write(path, text.replace(old, new))

    def rebase(self, word: str) -> None:
        """Push a base image of that word under the same tag."""
        definition = f"FROM {BASE}\nRUN echo {word} of {self.unique} > /base\n"
        command = ["docker", "buildx", "build", "--quiet", f"--tag={self.base}", "--push", "-"]
        subprocess.run(command, input=definition, text=True, check=True, capture_output=True)

    def prune(self, word: str) -> None:
        """Remove from the builder's cache what a step with that word has made."""
        [number] = entries_of(word)
        prune_entry(number, word)

    def build(self, *options: str, **variables: str) -> Path:
        """Build with the command; return the directory of the record."""
        command = [sys.executable, "-m", "cli", "build", "--wait", "--plain", *options, "api"]
        subprocess.run(command, cwd=self.folder, env=self._environment(**variables), check=True)
        return max((self.home / "records").iterdir(), key=lambda path: path.stat().st_mtime_ns)

    def explain(self, after: Path, before: Path) -> list[dict[str, Any]]:
        """What ``buildinsights explain`` says of the steps that ran."""
        said = self.command("explain", "--json", after.name, f"--against={before.name}")
        [told] = json.loads(said)
        steps: list[dict[str, Any]] = told["steps"]
        return [step for step in steps if step["cause"] != Cause.ALWAYS]

    def command(self, *words: str) -> str:
        """What ``buildinsights`` prints."""
        done = subprocess.run(
            [sys.executable, "-m", "cli", *words],
            cwd=self.folder,
            env=self._environment(),
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    def _environment(self, **variables: str) -> dict[str, str]:
        known = {name: value for name, value in os.environ.items() if name != "CI"}
        own = {"BUILDINSIGHTS_HOME": str(self.home), "PYTHONPATH": str(ROOT)}
        return known | own | variables


@dataclass(frozen=True)
class Case:
    """How the second build is made, and why which of its steps run.

    ``expected`` is cause and a part of the evidence by a part of the name of each step that does
    not follow from another; ``followers`` are those that do, with the first step of their chain.
    """

    name: str
    change: Callable[[Project], None] = lambda project: None
    options: tuple[str, ...] = ()
    expected: Mapping[str, tuple[Cause, str]] = field(default_factory=dict)
    followers: Mapping[str, str] = field(default_factory=dict)
    prunes: bool = False


FIRST = "COPY package.json"
"""The first step on the base image."""

AFTER_FIRST = dict.fromkeys(
    (
        "RUN echo install",
        "WORKDIR /app",
        "COPY src/",
        "RUN echo compile",
        "COPY --from=build",
        "RUN echo last",
    ),
    FIRST,
)

COMPILED = {
    "RUN echo compile": "COPY src/",
    "COPY --from=build": "COPY src/",
    "RUN echo last": "COPY src/",
}

CASES = (
    Case("nothing changed"),
    Case(
        "instruction edited, and a cascade over three stages",
        lambda project: project.edit("Dockerfile", "echo install", "echo install -v"),
        expected={"RUN echo install -v": (Cause.INSTRUCTION, "RUN echo install ")},
        followers={
            "WORKDIR /app": "RUN echo install -v",
            "COPY src/": "RUN echo install -v",
            "RUN echo compile": "RUN echo install -v",
        },
    ),
    Case(
        "build argument changed",
        options=("--set=*.args.VERSION=2",),
        expected={"RUN echo compile": (Cause.ARGUMENT, "VERSION: 1 before, 2 now")},
    ),
    Case(
        "default of an argument changed",
        lambda project: project.edit("Dockerfile", "VERSION=1", "VERSION=3"),
        expected={"RUN echo compile": (Cause.INSTRUCTION, "VERSION: 1 before, 3 now")},
    ),
    Case(
        "base tagged anew",
        lambda project: project.rebase("second"),
        expected={
            "FROM": (Cause.BASE, "sha256:"),
            "COPY package.json": (Cause.BASE, "sha256:"),
        },
        followers={
            "RUN echo install": "COPY package.json",
            "WORKDIR /app": "COPY package.json",
            "COPY src/": "COPY package.json",
            "RUN echo compile": "COPY package.json",
            "COPY --from=build": "COPY package.json",
            "RUN echo last": "COPY package.json",
        },
    ),
    Case(
        "file changed",
        lambda project: project.write("src/a.txt", "other\n"),
        expected={"COPY src/": (Cause.FILES, "Changed: src/a.txt")},
        followers=COMPILED,
    ),
    Case(
        "file added",
        lambda project: project.write("src/c.txt", "c\n"),
        expected={"COPY src/": (Cause.FILES, "Added: src/c.txt")},
        followers=COMPILED,
    ),
    Case(
        "mode of a file changed",
        lambda project: (project.folder / "src/b.txt").chmod(0o755),
        expected={"COPY src/": (Cause.FILES, "Changed: src/b.txt")},
        followers={"RUN echo compile": "COPY src/"},
    ),
    Case("file only touched", lambda project: os.utime(project.folder / "src/a.txt")),
    Case(
        "file that is not copied changed",
        lambda project: project.write("README.txt", "read me\n"),
    ),
    Case(
        ".dockerignore changed",
        lambda project: project.write(".dockerignore", "*.md\nsrc/b.txt\n"),
        expected={"COPY src/": (Cause.FILES, "Removed: src/b.txt")},
        followers=COMPILED,
    ),
    Case(
        "entry pruned",
        lambda project: project.prune(f"echo last {project.unique}"),
        prunes=True,
        expected={"RUN echo last": (Cause.GONE, "on the same builder")},
    ),
    Case(
        "cache import failing",
        lambda project: project.prune(f"echo last {project.unique}"),
        prunes=True,
        options=(f"--set=*.cache-from=type=registry,ref={REGISTRY}/causes/none:1",),
        expected={"RUN echo last": (Cause.NOT_IMPORTED, "not found")},
    ),
    Case(
        "no cache of one stage",
        options=("--no-cache-from=final",),
        expected={
            "COPY --from=build": (Cause.NO_CACHE, "Of stage final."),
            "RUN echo last": (Cause.NO_CACHE, "Of stage final."),
        },
    ),
    Case(
        "no cache at all",
        options=("--no-cache",),
        expected={
            name: (Cause.NO_CACHE, "Of all stages.")
            for name in (
                "COPY package.json",
                "RUN echo install",
                "WORKDIR /app",
                "COPY src/",
                "RUN echo compile",
                "COPY --from=build",
                "RUN echo last",
            )
        },
    ),
)


@contextmanager
def second_engine() -> Iterator[str]:
    """Run another engine beside the first while the block runs; yields its Docker context.

    In a network of its own: an engine without a bridge removes that of the first one.
    """
    name = f"second-{uuid.uuid4().hex[:8]}"
    folder = Path(tempfile.mkdtemp())  # short: the path of a socket has 107 bytes at most
    address = f"unix://{folder / 'docker.sock'}"
    (folder / "daemon.json").write_text(
        json.dumps({"features": {"containerd-snapshotter": True}, "userland-proxy": False})
    )
    engine = subprocess.Popen(
        [
            *("unshare", "--net", "--mount", "dockerd"),
            f"--config-file={folder / 'daemon.json'}",
            f"--data-root={folder / 'data'}",
            f"--exec-root={folder / 'exec'}",
            f"--pidfile={folder / 'pid'}",
            f"--host={address}",
            "--bridge=none",
            "--iptables=false",
            "--ip6tables=false",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    create = ["docker", "context", "create", name, f"--docker=host={address}"]
    subprocess.run(create, check=True, capture_output=True)
    try:
        _wait_for(["docker", f"--context={name}", "version"])
        yield name
    finally:
        remove = ["docker", "context", "rm", "--force", name]
        subprocess.run(remove, check=True, capture_output=True)
        engine.terminate()
        engine.wait(timeout=START_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(command: list[str]) -> None:
    deadline = monotonic() + START_SECONDS
    while subprocess.run(command, capture_output=True, check=False).returncode:
        assert monotonic() < deadline, "the second engine did not start"
        sleep(0.2)
