"""A service whose images a policy judges: a folder with a Bake file, and the command run in it."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from buildkit.registry import NotFoundError, Reference, Registry
from tests.system.conftest import ROOT, Server
from tests.system.test_cli import wait_for_builds

REGISTRY = "localhost:5000"
BASE = f"{REGISTRY}/library/busybox:1"
KEY_PASSWORD = "of the key"
OURS = ("BUILDINSIGHTS_", "COSIGN_", "GITHUB_", "CI")


class Job:
    """What a CI job of one service does; its server takes what it sends."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.folder, self.server = folder, server
        self.image = f"{REGISTRY}/buildinsights-gate/{uuid.uuid4().hex[:12]}:1"
        self.pushed: list[Reference] = []
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith(OURS)
        } | {
            "PYTHONPATH": str(ROOT),
            "BUILDINSIGHTS_HOME": str(folder / "home"),
            "BUILDINSIGHTS_URL": server.url,
            "BUILDINSIGHTS_TOKEN": server.token,
            "COSIGN_PASSWORD": KEY_PASSWORD,
        }
        target = {"tags": [self.image], "attest": ["type=provenance,mode=max"]}
        (folder / "docker-bake.json").write_text(json.dumps({"target": {"default": target}}))

    def run(self, *arguments: str, code: int = 0) -> str:
        """Run the command, which must end with a code; return what it said."""
        done = self.call(sys.executable, "-m", "cli", *arguments)
        assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stderr}"
        return done.stdout

    def key(self) -> str:
        """Return the public key of a new pair; the private one is ``cosign.key``."""
        assert self.call("cosign", "generate-key-pair").returncode == 0
        return (self.folder / "cosign.pub").read_text()

    def build(self, dockerfile: str) -> Reference:
        """Build and push; return the image by its digest once the server knows its build."""
        (self.folder / "Dockerfile").write_text(dockerfile)
        self.run("build", "--push", "--wait", "--plain")
        newest = max((self.folder / "home" / "records").glob("*/run.json"))
        refs = {ref.rpartition("/")[2] for ref in json.loads(newest.read_text())["refs"].values()}
        assert wait_for_builds(self.server, refs) == refs
        reference = Reference.parse(self.image)
        self.pushed.append(reference.at(Registry(REGISTRY).manifest(reference).digest))
        return self.pushed[-1]

    def check(self, *arguments: str, code: int) -> dict[str, Any]:
        """Ask whether an image may ship to production; return the verdict of now."""
        said = self.run(
            "check", *arguments, "--environment=production", "--wait=0", "--json", code=code
        )
        told: dict[str, Any] = json.loads(said)
        return told

    def remove(self) -> None:
        """Remove what was pushed, and what cosign has put beside it."""
        registry, name = Registry(REGISTRY), Reference.parse(self.image)
        with suppress(NotFoundError):
            beside = [registry.manifest(name.tagged(tag)) for tag in registry.tags(name.repository)]
            for digest in {*(it.digest for it in beside), *(it.digest for it in self.pushed)}:
                registry.delete_manifest(name.at(digest))

    def call(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a program where the job runs."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )


@contextmanager
def job(folder: Path, server: Server) -> Iterator[Job]:
    """Have a job while the block runs; its images go again."""
    made = Job(folder, server)
    try:
        yield made
    finally:
        made.remove()


def report(image: Reference, *found: dict[str, Any]) -> dict[str, Any]:
    """Return what trivy would write of an image with those vulnerabilities in its first layer."""
    registry = Registry(REGISTRY)
    manifests = registry.manifest(image).document["manifests"]
    [own] = [item for item in manifests if item["platform"]["os"] != "unknown"]
    manifest = registry.manifest(image.at(own["digest"])).document
    config = json.loads(registry.config(image, manifest["config"]["digest"]))
    layer = {
        "Digest": manifest["layers"][0]["digest"],
        "DiffID": config["rootfs"]["diff_ids"][0],
    }
    listed = [item | {"Layer": layer} for item in found]
    return {
        "SchemaVersion": 2,
        "ArtifactName": image.name,
        "ArtifactType": "container_image",
        "Metadata": {
            "ImageID": manifest["config"]["digest"],
            "DiffIDs": config["rootfs"]["diff_ids"],
            "RepoDigests": [f"{image.name}@{image.digest}"],
        },
        "Results": [{"Target": "busybox", "Class": "os-pkgs", "Vulnerabilities": listed}],
    }
