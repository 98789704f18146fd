"""What a CI job sends, for the tests of ingest."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

from rest_framework.test import APIClient

CORPUS = Path(__file__).resolve().parents[1] / "corpus" / "buildkit"
URL = "/api/v1/ingest/buildkit/"


def corpus(case: str, part: str) -> bytes:
    """A file of a recorded build: ``record``, ``progress`` or ``metadata``."""
    names = {"record": "dockerbuild", "progress": "progress.rawjson", "metadata": "metadata.json"}
    return (CORPUS / case / f"input.{names[part]}").read_bytes()


def progress(*, seconds: int = 2, name: str = "[1/1] RUN make", **extra: Any) -> bytes:
    """One step that took ``seconds``, as ``--progress=rawjson`` writes it."""
    vertex = {
        "digest": "sha256:" + "a" * 64,
        "name": name,
        "started": "2026-01-05T10:00:00Z",
        "completed": f"2026-01-05T10:00:{seconds:02d}Z",
        **extra,
    }
    return json.dumps({"vertexes": [vertex]}).encode() + b"\n"


def file(data: bytes, name: str = "file") -> BytesIO:
    """A file part of a multipart form."""
    part = BytesIO(data)
    part.name = name
    return part


def send(ci: APIClient, *, sync: bool = True, fields: dict[str, str] | None = None, **parts: bytes):
    """Post parts and form fields; the service is ``shop`` unless the fields say otherwise."""
    form: dict[str, Any] = {name: file(data, name) for name, data in parts.items()}
    form |= {"service": "shop"} | (fields or {})
    return ci.post(URL + ("?sync=1" if sync else ""), form)
