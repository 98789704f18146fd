"""Real reports of public projects, where they lie beside the checkout."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import SHARED_FIXTURES

FOLDER = SHARED_FIXTURES / "trivy"
KEY = b"a key of fingerprints"


def names(*kinds: str) -> list[str]:
    """Names of the reports of some kinds: ``v2``, ``legacy-list``, ``sarif``, …."""
    return sorted(path.name for kind in kinds for path in FOLDER.glob(f"trivy-{kind}-*.json"))


def load(name: str) -> bytes:
    """A report by its name, or by the beginning of it; the test is skipped where there is none."""
    found = sorted(FOLDER.glob(f"{name}*"))
    if not found:
        pytest.skip(f"no {FOLDER / name}")
    return found[0].read_bytes()


def load_json(name: str) -> Any:
    """A report, parsed."""
    return json.loads(load(name))


def expected() -> dict[str, dict[str, Any]]:
    """What was counted, independently, in reports of Trivy's own formats."""
    path: Path = FOLDER / "expected.json"
    return json.loads(path.read_text()) if path.is_file() else {}  # type: ignore[no-any-return]
