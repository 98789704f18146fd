"""An upload in memory: its parts, its identity, and how it lies in a payload row."""

import gzip
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from buildkit.archive import gunzip
from buildkit.limits import Limits

BUILDKIT_PARTS = ("record", "progress", "metadata", "provenance", "resources", "context")
"""The files that ``POST ingest/buildkit/`` takes."""

GZIP_MAGIC = b"\x1f\x8b"
COMPRESS_ABOVE_BYTES = 1024


def limits() -> Limits:
    """Return the limits of this server."""
    return Limits(max_gzip_ratio=settings.INGEST_MAX_GZIP_RATIO)


@dataclass(frozen=True, slots=True)
class Part:
    """One file of an upload."""

    name: str
    filename: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Upload:
    """What one request brings."""

    kind: str
    fields: dict[str, str]
    parts: tuple[Part, ...]

    @property
    def size_bytes(self) -> int:
        """Bytes of all parts as they were sent."""
        return sum(len(part.data) for part in self.parts)


def pack(parts: Iterable[Part]) -> tuple[list[dict[str, Any]], bytes]:
    """Lay parts one after the other; what is not gzip yet is compressed first.

    Returns the table of contents (``offset`` and ``stored`` are of the stored form, ``size`` and
    ``sha256`` of the part as sent) and the bytes.
    """
    contents: list[dict[str, Any]] = []
    chunks: list[bytes] = []
    offset = 0
    for part in parts:
        packed = not part.data.startswith(GZIP_MAGIC) and len(part.data) > COMPRESS_ABOVE_BYTES
        stored = gzip.compress(part.data, compresslevel=1, mtime=0) if packed else part.data
        contents.append(
            {
                "name": part.name,
                "filename": part.filename,
                "offset": offset,
                "stored": len(stored),
                "packed": packed,
                "size": len(part.data),
                "sha256": hashlib.sha256(part.data).hexdigest(),
            }
        )
        chunks.append(stored)
        offset += len(stored)
    return contents, b"".join(chunks)


def identity_of(upload: Upload, contents: Iterable[dict[str, Any]]) -> str:
    """Return SHA-256 of what makes two uploads the same: kind, fields and the parts as sent."""
    document = {
        "kind": upload.kind,
        "fields": upload.fields,
        "parts": sorted((entry["name"], entry["sha256"]) for entry in contents),
    }
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def unpack(contents: Iterable[dict[str, Any]], body: bytes | memoryview) -> dict[str, Part]:
    """Undo ``pack``; of several parts with one name the first counts."""
    parts: dict[str, Part] = {}
    for entry in contents:
        stored = bytes(body[entry["offset"] : entry["offset"] + entry["stored"]])
        data = gzip.decompress(stored) if entry["packed"] else stored
        parts.setdefault(entry["name"], Part(entry["name"], entry["filename"], data))
    return parts


def plain(part: Part, limits: Limits) -> bytes:
    """Return a part's bytes, decompressed within limits if the sender gzipped the file itself.

    A record stays as it is: its decoder knows the archive.
    """
    if part.name == "record" or not part.data.startswith(GZIP_MAGIC):
        return part.data
    return gunzip(part.data, part.name, limits)
