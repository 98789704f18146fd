"""How large the images of a run are: the sum of their compressed layers."""

import json
import os
import re
import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import quote

from cli.engine import buildx
from cli.errors import EngineMissingError, UsageError
from cli.records import METADATA, Record

_DIGEST = "containerimage.digest"
_NAMED = re.compile(rb'"id":"naming to ([^"]+)"[^{}]*"completed"')
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_DEFAULT_HOST = "unix:///var/run/docker.sock"
_ENGINE_SECONDS = 5


def named_in(line: bytes) -> list[str]:
    """Return the images that a line of Bake's progress says the engine has from now on."""
    return [name.decode() for name in _NAMED.findall(line)]


def size_in_engine(name: str) -> tuple[str, int] | None:
    """Return digest and bytes of an image that the engine on this machine holds.

    Its socket is asked directly: a client's start would take as long as all the rest of this
    command. An engine that keeps images unpacked tells no descriptor, and is not believed.
    """
    engine = _Engine(os.environ.get("DOCKER_HOST", _DEFAULT_HOST))
    with closing(engine), suppress(OSError, HTTPException, ValueError, KeyError):
        engine.request("GET", f"/images/{quote(name)}/json")
        image = json.load(engine.getresponse())
        return image["Descriptor"]["digest"], int(image["Size"])
    return None


def sizes_of(record: Record, known: Mapping[str, int]) -> dict[str, int]:
    """Return bytes by digest of the images that a run made; one of several platforms counts once.

    ``known`` are those of which the engine told when they were named. The builder's own record
    has the others, and those that another run in the meantime put in their place.
    """
    document = json.loads(record.read(METADATA) or b"{}")
    items = [item for item in document.values() if isinstance(item, dict)]
    made = {item[_DIGEST]: item for item in items if _DIGEST in item}
    missing = [digest for digest in made if digest not in known]
    with ThreadPoolExecutor(4) as pool:
        found = dict(
            zip(missing, pool.map(lambda digest: _of_builder(made[digest]), missing), strict=True)
        )
    sizes = {digest: known.get(digest, found.get(digest)) for digest in made}
    return {digest: size for digest, size in sizes.items() if size is not None}


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
