"""Small BuildKit inputs, made for tests."""

import hashlib
import io
import json
import tarfile
from typing import Any

from buildkit import wire

RECORD = "application/vnd.buildkit.historyrecord.v0"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
SECOND = 1_000_000_000
BEGIN = 1_700_000_000


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def stamp(seconds: float) -> dict[str, int]:
    """Seconds after ``BEGIN`` as a protobuf time."""
    whole, part = divmod(round(seconds * SECOND), SECOND)
    return {"seconds": BEGIN + whole, "nanos": part}


def iso(seconds: int) -> str:
    """Seconds after 2023-11-14T22:13:20Z, which is ``BEGIN``; less than 40."""
    return f"2023-11-14T22:13:{20 + seconds:02}Z"


def frame(**fields: Any) -> bytes:
    """One length-prefixed status frame; text is given as bytes."""
    body: bytes = wire.message_classes()["StatusResponse"](**fields).SerializeToString()
    return len(body).to_bytes(4, "little") + body


def run(digest: str, name: str, start: float, end: float, **fields: Any) -> dict[str, Any]:
    """A vertex that ran between two moments."""
    times = {"started": stamp(start), "completed": stamp(end)}
    return {"digest": digest, "name": name.encode(), **times, **fields}


def tar_of(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            header = tarfile.TarInfo(name)
            header.size = len(content)
            archive.addfile(header, io.BytesIO(content))
    return buffer.getvalue()


def bundle(fields: dict[str, Any], layers: dict[str, bytes] | None = None, **extra: bytes) -> bytes:
    """A bundle of one record; ``layers`` are blobs by media type, ``extra`` are further blobs."""
    blobs = [json.dumps(fields).encode(), *(layers or {}).values(), *extra.values()]
    manifest = {
        "mediaType": MANIFEST,
        "config": {"mediaType": RECORD, "digest": digest_of(blobs[0])},
        "layers": [
            {"mediaType": kind, "digest": digest_of(blob)} for kind, blob in (layers or {}).items()
        ],
    }
    blobs.append(json.dumps(manifest).encode())
    return index_of([blobs[-1]], blobs)


def index_of(manifests: list[bytes], blobs: list[bytes]) -> bytes:
    """A bundle whose index names the given manifests or indexes."""
    index = {"manifests": [{"digest": digest_of(manifest)} for manifest in manifests]}
    files = {f"blobs/sha256/{digest_of(blob)[7:]}": blob for blob in blobs}
    return tar_of({**files, "index.json": json.dumps(index).encode()})


def record_fields(**fields: Any) -> dict[str, Any]:
    """The record of a build of ten seconds that succeeded."""
    return {"Ref": "ref1", "CreatedAt": iso(0), "CompletedAt": iso(10), **fields}


def vertex(digest: str, name: str, **fields: Any) -> dict[str, Any]:
    return {"digest": digest, "name": name, **fields}


def ran(digest: str, name: str, start: int, end: int, **fields: Any) -> dict[str, Any]:
    return vertex(digest, name, started=iso(start), completed=iso(end), **fields)


def lines(*items: Any) -> bytes:
    """A line for each item: text as it is, a dict as JSON, a list as vertexes."""
    texts = []
    for item in items:
        frame = {"vertexes": item} if isinstance(item, list) else item
        texts.append(frame if isinstance(frame, str) else json.dumps(frame))
    return "\n".join(texts).encode()
