"""Put the model into a directory while the image is built: ``python -m model.prepare DIRECTORY``.

MODEL_URL and MODEL_SHA256 (build arguments) name one file to download; its digest is checked.
Without them the directory stays empty, for a volume mounted there. Replace this by what your model
needs.
"""

import hashlib
import os
import shutil
import sys
import urllib.request
from pathlib import Path


def prepare(directory: Path) -> None:
    """Download the model, and check it."""
    directory.mkdir(parents=True, exist_ok=True)
    url = os.environ.get("MODEL_URL")
    if not url:
        return
    path = directory / url.rsplit("/", 1)[-1]
    with urllib.request.urlopen(url, timeout=60) as source, path.open("wb") as target:  # noqa: S310
        shutil.copyfileobj(source, target)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != os.environ.get("MODEL_SHA256"):
        path.unlink()
        sys.exit(f"{url} has SHA-256 {digest}, not MODEL_SHA256.")


if __name__ == "__main__":
    prepare(Path(sys.argv[1]))
