"""Building without the cache from one stage on.

Bake reads ``no-cache-filter`` from a definition, and ignores what ``--set`` says of it (seen in
buildx 0.29): a second definition says it of the targets.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from cli.planning import plan_of
from cli.settings import state_dir

DEFAULT_FILES = (
    "compose.yaml",
    "compose.yml",
    "docker-compose.yml",
    "docker-compose.yaml",
    "docker-bake.json",
    "docker-bake.hcl",
    "docker-bake.override.json",
    "docker-bake.override.hcl",
)
"""What Bake reads when it is given no file; it must be said again as soon as one is given."""


def files_without_cache(
    files: Sequence[str], targets: Sequence[str], stage: str
) -> tuple[str, ...]:
    """Return the definitions with one more, which lets ``stage`` of the targets be built anew."""
    asked = plan_of(files, targets).expand(targets or ["default"])
    known = files or [name for name in DEFAULT_FILES if Path(name).is_file()]
    definition = {"target": {name: {"no-cache-filter": [stage]} for name in sorted(asked)}}
    return (*known, str(_kept(json.dumps(definition))))


def _kept(text: str) -> Path:
    """Keep a definition: what collects the run's record later reads it again."""
    name = hashlib.sha256(text.encode()).hexdigest()[:16]
    path = state_dir() / "definitions" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path
