"""The Docker engine that builds: base images, package images, builds and their records."""

import json
import signal
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from recorder.plan import BuildPlan, History, Outcome
from recorder.repositories import Repository

OUTCOMES: dict[str, Outcome] = {
    "completed": "succeeded",
    "failed": "failed",
    "canceled": "canceled",
}
"""What ``docker buildx history inspect`` calls the ends of a build; ``ls`` has no "canceled"."""


@dataclass(frozen=True, slots=True)
class Registry:
    """The registry of a recording: the base images it is given and the copies that it changes."""

    host: str
    library: str = "library"
    team: str = "shop"
    platforms: str = "linux/amd64,linux/arm64"

    @property
    def push(self) -> tuple[str, ...]:
        """Return how an image for it is built."""
        return ("build", "--quiet", "--push", f"--platform={self.platforms}")

    def base(self, image: str) -> str:
        """Return the team's copy of an official image."""
        return f"{self.host}/{self.team}/{image}"

    def packages(self, service: str) -> str:
        """Return the image that holds a service's packages."""
        return f"{self.host}/{self.team}/{service}-packages:demo"

    def layer_cache(self, service: str) -> str:
        """Return where a service's layer cache is kept."""
        return f"{self.host}/{self.team}/{service}-cache:main"


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a build left behind; ``progress`` and ``metadata`` are empty where not asked for."""

    outcome: Outcome
    bundle: bytes
    progress: bytes
    metadata: bytes


def buildx(*arguments: str, cwd: Path | None = None, stdin: str = "") -> str:
    """Run ``docker buildx`` and return its output."""
    command = ["docker", "buildx", *arguments]
    done = subprocess.run(
        command, cwd=cwd, input=stdin, check=True, text=True, stdout=subprocess.PIPE
    )
    return done.stdout


def copy_bases(registry: Registry, images: Iterable[str]) -> None:
    """Give the team its own copies of the official images, as they are now."""
    for image in images:
        official = f"{registry.host}/{registry.library}/{image}"
        buildx("imagetools", "create", "--progress=quiet", "--tag", registry.base(image), official)


def refresh_base(registry: Registry, image: str, note: str, growth_mib: int = 0) -> None:
    """Publish a new image under the tag of a base: the same with one more layer, or two."""
    dockerfile = (
        f"FROM {registry.base(image)}\n"
        f"RUN echo '{note}' >> /etc/image-release && ls -l /etc > /etc/packages.list\n"
    )
    if growth_mib:
        dockerfile += f"RUN dd if=/dev/urandom of=/etc/fonts.bin bs=1M count={growth_mib}\n"
    buildx(*registry.push, "--pull", "--tag", registry.base(image), "-", stdin=dockerfile)


def push_packages(registry: Registry, service: str, folder: Path) -> None:
    """Publish fetched packages as an image that holds nothing else."""
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (folder / ".dockerignore").write_text("Dockerfile\n.dockerignore\n_logs\n")
    buildx(*registry.push, "--tag", registry.packages(service), ".", cwd=folder)


def refuse_layer_cache(registry: Registry, service: str) -> None:
    """Raise ``RuntimeError`` if an earlier recording's layer cache is still in the registry."""
    cache = registry.layer_cache(service)
    command = ["docker", "buildx", "imagetools", "inspect", cache]
    if subprocess.run(command, capture_output=True, check=False).returncode == 0:
        raise RuntimeError(f"delete {cache} first: the first build must not find a cache")


def empty_cache() -> None:
    """Remove the whole build cache of the engine."""
    buildx("prune", "--all", "--force")


def build(repository: Repository, revision: str, plan: BuildPlan, registry: Registry) -> Recorded:
    """Build the working tree of ``repository`` and return what BuildKit recorded.

    Raises:
        RuntimeError: if the build ended otherwise than planned or left no record.
    """
    before = _refs()
    with tempfile.TemporaryDirectory() as scratch:
        metadata = Path(scratch) / "metadata.json"
        options = [*_options(repository, revision, plan, registry), f"--metadata-file={metadata}"]
        if plan.progress:
            options.append("--progress=rawjson")
        output = _run(["docker", "buildx", "build", *options, "."], repository.path, plan)
        log = output.decode(errors="replace")
        told = metadata.read_bytes() if metadata.exists() else b""
        new = {_ref(told)} if told else _refs() - before
        if len(new) != 1:
            raise RuntimeError(f"{len(new)} new records after {revision}: {log}")
        ref = new.pop()
        outcome = _outcome(ref)
        if outcome != plan.expect:
            raise RuntimeError(f"{revision} {outcome}, planned {plan.expect}: {log}")
        exported = Path(scratch) / "record.dockerbuild"
        buildx("history", "export", "--finalize", "--output", str(exported), ref)
        return Recorded(
            outcome=outcome,
            bundle=exported.read_bytes(),
            progress=output if plan.progress else b"",
            metadata=told,
        )


def _options(
    repository: Repository, revision: str, plan: BuildPlan, registry: Registry
) -> list[str]:
    history = repository.history
    arguments = {name: registry.base(image) for name, image in history.bases.items()}
    arguments |= history.offline | {"APP_VERSION": revision[:7]} | dict(plan.args)
    options = [
        "--pull",
        "--provenance=mode=max",
        f"--target={plan.target}",
        f"--platform={','.join(plan.platforms)}",
        f"--tag=registry.example.com/shop/{history.service}:{revision[:7]}-{plan.variant}",
        *(f"--build-arg={name}={value}" for name, value in arguments.items()),
    ]
    if history.packages:
        packages = registry.packages(history.service)
        options.append(f"--build-context={history.packages}=docker-image://{packages}")
    if plan.no_cache:
        options.append("--no-cache")
    if history.layer_cache:
        options.append(f"--cache-from=type=registry,ref={registry.layer_cache(history.service)}")
    if exported := cache_to(history, plan, registry):
        options.append(f"--cache-to={exported}")
    return options


def cache_to(history: History, plan: BuildPlan, registry: Registry) -> str:
    """Return the cache that a build exports, as buildx takes it; empty where it exports none."""
    if not history.layer_cache or plan.environment != "production":
        return ""
    return f"type=registry,ref={registry.layer_cache(history.service)},mode=max"


def _run(command: list[str], cwd: Path, plan: BuildPlan) -> bytes:
    """Run a build and return its progress; interrupt it like a canceled pipeline if so planned."""
    with subprocess.Popen(command, cwd=cwd, stderr=subprocess.PIPE) as process:
        try:
            _, output = process.communicate(timeout=plan.interrupt_after_seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            _, output = process.communicate()
    return output


def _refs() -> set[str]:
    """Return the refs of the builds that the engine remembers."""
    lines = buildx("history", "ls", "--no-trunc", "--format", "json").splitlines()
    return {json.loads(line)["ref"].rsplit("/", 1)[-1] for line in lines}


def _ref(metadata: bytes) -> str:
    """Return the ref that a build wrote down itself; others may run beside it."""
    return str(json.loads(metadata)["buildx.build.ref"]).rsplit("/", 1)[-1]


def _outcome(ref: str) -> Outcome:
    return OUTCOMES[json.loads(buildx("history", "inspect", ref, "--format", "json"))["Status"]]
