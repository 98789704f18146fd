"""OCI image layouts made by hand, and the base that tests build on."""

import hashlib
import json
from pathlib import Path
from typing import Any

REGISTRY = "localhost:5000"
BASE = f"{REGISTRY}/library/busybox:1-amd64"


class Layout:
    """An OCI image layout in a directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "blobs" / "sha256").mkdir(parents=True)

    def blob(self, data: bytes, **fields: Any) -> dict[str, Any]:
        digest = hashlib.sha256(data).hexdigest()
        (self.root / "blobs" / "sha256" / digest).write_bytes(data)
        return {"digest": f"sha256:{digest}", "size": len(data), **fields}

    def image(self, platform: str, *stored: bytes) -> dict[str, Any]:
        system, _, architecture = platform.partition("/")
        config = {
            "os": system,
            "architecture": architecture,
            "rootfs": {"diff_ids": [f"sha256:{number:064}" for number in range(len(stored))]},
            "history": [
                {"created_by": f"RUN /bin/sh -c step {number} # buildkit"}
                for number in range(len(stored))
            ],
        }
        manifest = {
            "config": self.blob(json.dumps(config).encode()),
            "layers": [self.blob(data) for data in stored],
        }
        data = json.dumps(manifest).encode()
        return self.blob(data, platform={"os": system, "architecture": architecture})

    def index(self, *manifests: dict[str, Any]) -> None:
        (self.root / "index.json").write_text(json.dumps({"manifests": manifests}))
