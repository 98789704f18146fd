"""Digests of the files that a build context sends to the builder."""

import hashlib
import stat
from pathlib import Path
from typing import Any

from docker.utils.build import exclude_paths  # type: ignore[import-untyped]

MAX_FILES = 50_000
"""Beyond this many a context is only counted."""

_REMOTE = ("http://", "https://", "git@", "git://", "docker-image://", "oci-layout://", "target:")


def is_local(context: str) -> bool:
    """Tell whether a context is a directory of this machine."""
    return context != "-" and not context.startswith(_REMOTE)


def context_files(root: Path, dockerfile: str) -> list[str]:
    """Return the files of a context that .dockerignore lets through, sorted.

    ``<Dockerfile>.dockerignore`` comes before ``.dockerignore``, as BuildKit has it.
    """
    own = root / f"{dockerfile}.dockerignore"
    ignore = own if own.is_file() else root / ".dockerignore"
    lines = ignore.read_text(errors="replace").splitlines() if ignore.is_file() else []
    patterns = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    found = exclude_paths(str(root), patterns, dockerfile=dockerfile)
    return sorted(path for path in found if _is_sent(root / path))


def _is_sent(path: Path) -> bool:
    """Tell whether a path is a file or a symbolic link, which is sent as such."""
    return path.is_symlink() or path.is_file()


def context_digests(root: Path, dockerfile: str, since: float) -> dict[str, Any]:
    """Return SHA-256, size and mode of each file of a context; of a link, those of its target.

    A link is never followed: it may lead out of the context, and is not followed by BuildKit.

    ``changed_since`` lists files written after ``since`` (epoch seconds): the builder may have got
    something else of them.
    """
    names = context_files(root, dockerfile)
    if len(names) > MAX_FILES:
        return {"files_total": len(names), "files": {}, "changed_since": []}
    files: dict[str, dict[str, Any]] = {}
    changed: list[str] = []
    for name in names:
        path = root / name
        try:
            status = path.lstat()
            digest = _digest(path, status.st_mode)
        except OSError:
            continue  # gone or unreadable by now: BuildKit has told of it if it mattered
        mode = stat.S_IMODE(status.st_mode)
        files[name] = {"sha256": digest, "size_bytes": status.st_size, "mode": f"{mode:04o}"}
        if status.st_mtime > since:
            changed.append(name)
    return {"files_total": len(names), "files": files, "changed_since": changed}


def _digest(path: Path, mode: int) -> str:
    if stat.S_ISLNK(mode):
        return hashlib.sha256(str(path.readlink()).encode()).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
