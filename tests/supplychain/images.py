"""Images that are made in memory, to be checked."""

import tarfile
from typing import Any

from buildkit.layers import LayerReader
from supplychain.imagechecks.checking import ImageChecker, wanted
from supplychain.imagechecks.model import Check, Subject
from tests.buildkit.archives import archive

type Member = tuple[tarfile.TarInfo, bytes]

PASSWD = "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/app:/bin/false\ntoor:x:0:0::/:/bin/sh\n"


def file(name: str, content: str | bytes = "x", mode: int = 0o644, **fields: Any) -> Member:
    """Return a regular file, of root if not said otherwise."""
    data = content.encode() if isinstance(content, str) else content
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), mode
    for key, value in fields.items():
        setattr(info, key, value)
    return info, data


def folder(name: str, mode: int = 0o755, **fields: Any) -> Member:
    """Return a directory."""
    return file(name, b"", mode, type=tarfile.DIRTYPE, **fields)


def link(name: str, target: str) -> Member:
    """Return a symbolic link."""
    return file(name, b"", 0o777, type=tarfile.SYMTYPE, linkname=target)


def checks_of(
    settings: dict[str, Any] | None = None,
    *layers: list[Member],
    history: list[str] | None = None,
    **fields: Any,
) -> dict[str, Check]:
    """Check an image of such settings and layers; each layer is ``RUN step N`` if not said."""
    steps = history or [f"RUN /bin/sh -c step {number} # buildkit" for number in range(len(layers))]
    made = [
        {"created_by": text} | ({} if number < len(layers) else {"empty_layer": True})
        for number, text in enumerate(steps)
    ]
    config = {"config": settings or {}, "history": made}
    checker = ImageChecker(Subject(config, **fields))
    reader = LayerReader(wanted=wanted)
    for number, layer in enumerate(layers):
        digest = f"sha256:{number}"
        checker.add(reader.entries([archive(*layer)], digest), digest)
    return {check.id: check for check in checker.checked().checks}


def places(check: Check) -> list[tuple[str, str]]:
    """Return where a check found something, and the layer."""
    return [(item.place, item.layer) for item in check.evidence]
