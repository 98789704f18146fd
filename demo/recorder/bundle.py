"""Exported build records: what is taken out of them, and what must not be in them.

A ``.dockerbuild`` file is a gzip tar of an OCI image layout: an index, a manifest for each record,
and the blobs that the manifests name.
"""

import gzip
import hashlib
import io
import json
import tarfile
from typing import Any

TRACE_MEDIA_TYPE = "application/vnd.buildkit.otlp.json.v0"


def without_trace(exported: bytes) -> bytes:
    """Return the bundle without its OTLP trace; every other blob but the record stays as it was.

    The trace is nine tenths of a bundle and names the engine's socket. The record and the
    manifest name the trace, so they are written anew and get new digests.
    """
    blobs = contents(exported)
    index = json.loads(blobs.pop("index.json"))
    layout = blobs.pop("oci-layout")
    for entry in index["manifests"]:
        manifest = json.loads(blobs.pop(_path(entry["digest"])))
        record = json.loads(blobs.pop(_path(manifest["config"]["digest"])))
        trace = record.pop("trace", None)
        if trace:
            blobs.pop(_path(trace["digest"]))
        manifest["layers"] = [
            layer for layer in manifest["layers"] if layer["mediaType"] != TRACE_MEDIA_TYPE
        ]
        _put(blobs, manifest["config"], record)
        _put(blobs, entry, manifest)
    return _packed({"oci-layout": layout, "index.json": _json(index)} | blobs)


def contents(bundle: bytes) -> dict[str, bytes]:
    """Return the files of a bundle by path."""
    with tarfile.open(fileobj=io.BytesIO(bundle), mode="r:gz") as archive:
        files = ((member.name, archive.extractfile(member)) for member in archive)
        return {name.removeprefix("./"): file.read() for name, file in files if file}


def _path(digest: str) -> str:
    return "blobs/" + digest.replace(":", "/")


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _put(blobs: dict[str, bytes], descriptor: dict[str, Any], value: dict[str, Any]) -> None:
    """Store a JSON blob and point its descriptor at it."""
    blob = _json(value)
    descriptor["digest"] = f"sha256:{hashlib.sha256(blob).hexdigest()}"
    descriptor["size"] = len(blob)
    blobs[_path(descriptor["digest"])] = blob


def _packed(files: dict[str, bytes]) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for name in sorted(files):
            member = tarfile.TarInfo(name)
            member.size = len(files[name])
            archive.addfile(member, io.BytesIO(files[name]))
    return gzip.compress(plain.getvalue(), compresslevel=9, mtime=0)
