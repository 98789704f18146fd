"""A registry of a test's own: real, with a password, deletes allowed, and its files at hand."""

import base64
import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from buildkit.caching.references import CACHE_CONFIG
from buildkit.registry import Credentials, Reference, Registry

OCI = "application/vnd.oci.image.manifest.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"

USER, PASSWORD = "cacher", "caching-password"
HTPASSWD = f"{USER}:$2y$05$abcdefghijklmnopqrstuuCIz6HyWs7x8f5hyO5yLO/.4qi/khzvq\n"
"""The password above, as bcrypt: the registry takes nothing else."""

START_SECONDS = 20


@dataclass(frozen=True, slots=True)
class OwnRegistry:
    """Its host with the port, and the directory that it keeps everything in."""

    host: str
    storage: Path

    def blob_file(self, digest: str) -> Path:
        """The file of a blob."""
        algorithm, _, value = digest.partition(":")
        blobs = self.storage / "docker/registry/v2/blobs"
        return blobs / algorithm / value[:2] / value / "data"


def known_to_server(own: OwnRegistry, slug: str, settings: Any, folder: Path) -> Registry:
    """Let the server ask a registry as a project, and return a client of it."""
    settings.CACHE_REGISTRIES = [own.host]
    settings.REGISTRY_CONFIG_DIR = str(folder)
    login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    (folder / slug).mkdir()
    config = {"auths": {own.host: {"auth": login}}}
    (folder / slug / "config.json").write_text(json.dumps(config))
    return Registry(own.host, Credentials(USER, PASSWORD))


@contextmanager
def own_registry(folder: Path, *, deletes: bool = True) -> Iterator[OwnRegistry]:
    """Have a registry while the block runs."""
    (folder / "htpasswd").write_text(HTPASSWD)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    configuration = {
        "version": 0.1,
        "storage": {
            "filesystem": {"rootdirectory": str(folder / "storage")},
            "delete": {"enabled": deletes},
        },
        "http": {"addr": f"127.0.0.1:{port}"},
        "auth": {"htpasswd": {"realm": "tests", "path": str(folder / "htpasswd")}},
    }
    (folder / "registry.yml").write_text(json.dumps(configuration))
    with (folder / "log").open("wb") as log:
        command = ["docker-registry", "serve", str(folder / "registry.yml")]
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait_for(f"http://127.0.0.1:{port}/v2/")
        yield OwnRegistry(f"localhost:{port}", folder / "storage")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)


def _wait_for(url: str) -> None:
    """Return when it answers, also that it wants a password."""
    deadline = monotonic() + START_SECONDS
    while monotonic() < deadline:
        try:
            urlopen(url, timeout=1).close()  # noqa: S310  # this machine
        except HTTPError as answer:
            answer.close()
            return
        except (URLError, OSError):
            sleep(0.05)
        else:
            return
    raise RuntimeError("the registry did not start")


def exported(registry: Registry, name: str, *layers: bytes, days: float = 0) -> Reference:
    """A cache as BuildKit writes it, of those layers, made some days ago."""
    reference = Reference.parse(f"{registry.host}/{name}")
    made = f"{datetime.now(UTC) - timedelta(days=days):%Y-%m-%dT%H:%M:%S}.000000001Z"
    blobs = [(registry.put_blob(reference, data), len(data)) for data in layers]
    config = json.dumps({"layers": [{"blob": digest} for digest, _ in blobs], "records": []})
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI,
        "config": {
            "mediaType": CACHE_CONFIG,
            "digest": registry.put_blob(reference, config.encode()),
            "size": len(config),
        },
        "layers": [
            {
                "mediaType": LAYER,
                "digest": digest,
                "size": size,
                "annotations": {"buildkit/createdat": made},
            }
            for digest, size in blobs
        ],
    }
    registry.put_manifest(reference, json.dumps(manifest).encode(), OCI)
    return reference
