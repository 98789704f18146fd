"""How large the images of a run are: the sum of their compressed layers."""

import json
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import quote

from cli.engine import buildx
from cli.errors import EngineMissingError, UsageError
from cli.records import METADATA, Record

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_DEFAULT_HOST = "unix:///var/run/docker.sock"
_ENGINE_SECONDS = 5


def sizes_of(record: Record) -> dict[str, int]:
    """Return bytes by digest of the images that a run made; one of several platforms counts once.

    The engine is asked first, as it answers at once. What it does not hold by this digest, the
    builder's own record has.
    """
    document = json.loads(record.read(METADATA) or b"{}")
    items = [item for item in document.values() if isinstance(item, dict)]
    made = [item for item in items if "containerimage.digest" in item]
    with ThreadPoolExecutor(4) as pool:
        return {
            item["containerimage.digest"]: size
            for item, size in zip(made, pool.map(_size_of, made), strict=True)
            if size is not None
        }


def _size_of(item: dict[str, Any]) -> int | None:
    in_engine = _of_engine(_name(item), item["containerimage.digest"])
    return _of_builder(item) if in_engine is None else in_engine


def _name(item: dict[str, Any]) -> str:
    return str(item.get("image.name", "")).partition(",")[0]


def _of_engine(name: str, digest: str) -> int | None:
    """Ask the engine on this machine; a wrong one does no harm, as images are told by digest.

    Its socket is asked directly: a client's start would take as long as all the rest of this
    command. An engine that keeps images unpacked tells no descriptor, and is not believed.
    """
    engine = _Engine(os.environ.get("DOCKER_HOST", _DEFAULT_HOST))
    with closing(engine), suppress(OSError, HTTPException, ValueError):
        engine.request("GET", f"/images/{quote(name)}/json")
        image = json.load(engine.getresponse())
        if (image.get("Descriptor") or {}).get("digest") == digest:
            return int(image["Size"])
    return None


class _Engine(HTTPConnection):
    """A connection to an engine's socket."""

    def __init__(self, host: str) -> None:
        super().__init__("localhost", timeout=_ENGINE_SECONDS)
        self._host = host

    def connect(self) -> None:
        if not self._host.startswith("unix://"):
            raise OSError(f"{self._host} is no socket of this machine")
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._host.removeprefix("unix://"))


def _of_builder(item: dict[str, Any]) -> int | None:
    ref = str(item.get("buildx.build.ref", "")).rpartition("/")[2]
    try:
        text = buildx("history", "inspect", "attachment", "--type", _MANIFEST, ref)
        manifest = json.loads(text)
        return sum(int(layer["size"]) for layer in manifest["layers"])
    except (EngineMissingError, UsageError, ValueError, KeyError, TypeError):
        return None
