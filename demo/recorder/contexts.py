"""Digests of the files that a build's context sends, as ``buildinsights build`` records them."""

import gzip
import json
import sys
from pathlib import Path

from recorder.repositories import Repository

sys.path.append(str(Path(__file__).resolve().parents[2]))
from buildkit.context import context_digests

DOCKERFILE = "Dockerfile"
NOT_SINCE = float("inf")
"""Nothing is written into a checkout while it is built."""


def context_of(repository: Repository) -> bytes:
    """Return the context part of a build of what is checked out, compressed."""
    digests = context_digests(repository.path, DOCKERFILE, NOT_SINCE)
    return gzip.compress(json.dumps({"": digests}, sort_keys=True).encode(), mtime=0)
